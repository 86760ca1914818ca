/* SPDX-License-Identifier: Apache-2.0 */
/* detail.h - the named facts of a finding as a JSON object. */
#ifndef DARN_LIB_SCAN_DETAIL_H
#define DARN_LIB_SCAN_DETAIL_H

#include "lib/scan/sink.h"

/*
 * Writes the object, cut to @size with its final NUL as snprintf() does, and
 * returns the length that it has.  Hexadecimal numbers become strings
 * ("0x1a2b"), text that is not UTF-8 gets replacement characters.
 */
size_t darn_detail_json(const struct darn_detail *d, char *buf, size_t size);

#endif

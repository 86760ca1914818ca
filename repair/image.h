/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - which of a unit's two images lies in the file, and putting one
 * there.
 *
 * A write that a power cut stopped leaves any mixture of sectors; a killed
 * process may stop within one.  So the bytes are ours if every sector of 512
 * bytes (counted from the start of the file) is the one's or the other's, with
 * at most one sector that begins as one and ends as the other.  Where one image
 * is longer, the file may end anywhere between the two ends, and zeros there
 * are a file system's.
 */
#ifndef DARN_REPAIR_IMAGE_H
#define DARN_REPAIR_IMAGE_H

#include "repair/journal.h"

enum darn_image {
	DARN_IMAGE_PRE,
	DARN_IMAGE_NEW,
	DARN_IMAGE_MIX,
	DARN_IMAGE_OTHER, /* somebody else has written there */
};

/* @now: the @len bytes there are at r->off, up to the longer image. */
enum darn_image darn_image_judge(const struct darn_jrec *r, const uint8_t *now,
				 size_t len);

/*
 * The same, read from the open file @fd; PRE where it cannot be read now and
 * could not then.
 */
DARN_MUST_CHECK
enum darn_rc darn_image_look(const struct darn_jrec *r, int fd,
			     enum darn_image *out, struct darn_error *err);

/* Writes one of the two images and, where they differ, the file's size. */
DARN_MUST_CHECK
enum darn_rc darn_image_put(const struct darn_jrec *r, int fd, bool pre,
			    struct darn_error *err);

#endif

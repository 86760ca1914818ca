/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_json.h - strings in a plan.
 *
 * A path is any bytes.  One that is not UTF-8 stands as "KEY_b64".
 */
#ifndef DARN_REPAIR_PLAN_JSON_H
#define DARN_REPAIR_PLAN_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* False: no memory. */
bool darn_plan_put(json_t *o, const char *key, const char *value);
bool darn_plan_put_hex(json_t *o, const char *key, uint64_t value);
bool darn_plan_put_num(json_t *o, const char *key, uint64_t value);

/*
 * The string under @key; what had to be decoded is added to @o, so that it
 * lives as long.  NULL where there is none.
 */
const char *darn_plan_str(json_t *o, const char *key);
/* False where there is no such number. */
bool darn_plan_hex(const json_t *o, const char *key, uint64_t *value);
bool darn_plan_num(const json_t *o, const char *key, uint64_t *value);

#endif

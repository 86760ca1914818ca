/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.h - what is there now, in the units in which it is judged.
 */
#ifndef DARN_REPAIR_LOOK_H
#define DARN_REPAIR_LOOK_H

#include "repair/extent.h"
#include "repair/verdict.h"

struct darn_look {
	uint64_t unit;	    /* bytes judged at a time; 0: the whole file */
	struct darn_io *io; /* NULL: the file is missing */
	uint8_t *buf;
	size_t cap;
	char *abs;
};

/*
 * Finds part, format, unit and state of the file that @e is about and fills in
 * what all its questions share.  They live until darn_look_close().
 */
DARN_MUST_CHECK
enum darn_rc darn_look_open(struct darn_look *l, struct darn_case *c,
			    const struct darn_extents *e,
			    struct darn_question *q, struct darn_error *err);
/* The same for an item of a plan: the file @rel of the part of @root. */
DARN_MUST_CHECK
enum darn_rc darn_look_open_item(struct darn_look *l, struct darn_case *c,
				 const struct darn_plan_item *i,
				 struct darn_question *q,
				 struct darn_error *err);
void darn_look_close(struct darn_look *l);

/* Reads [off, off + len) into q->buf, as far as it can be read. */
DARN_MUST_CHECK
enum darn_rc darn_look_unit(struct darn_look *l, struct darn_question *q,
			    uint64_t off, uint64_t len, struct darn_error *err);

/* Digests the whole file, if there is one. */
void darn_look_whole(struct darn_look *l, struct darn_question *q);

#endif

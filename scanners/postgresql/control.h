/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - global/pg_control and the other small files whose every byte is
 * known: the relation map and PG_VERSION.
 */
#ifndef DARN_SCANNERS_POSTGRESQL_CONTROL_H
#define DARN_SCANNERS_POSTGRESQL_CONTROL_H

#include "scanners/postgresql/pg.h"

/*
 * Takes a control file apart.  @out->valid tells whether it can be trusted;
 * @out->raw has what is there in any case.
 */
void darn_pg_control_parse(const uint8_t *buf, size_t len,
			   struct darn_pg_control *out);

/* Reads global/pg_control of @t.  Missing and damaged ones are no error. */
DARN_MUST_CHECK
enum darn_rc darn_pg_control_read(struct darn_tree *t,
				  struct darn_pg_control *out,
				  struct darn_error *err);

/* "in production"; static. */
const char *darn_pg_state_name(uint32_t state);

/* Clean: the server that wrote it finished all it had begun. */
static inline bool darn_pg_clean(const struct darn_pg_control *c)
{
	return c->valid && (c->state == DARN_PG_SHUTDOWNED ||
			    c->state == DARN_PG_SHUTDOWNED_IN_RECOVERY);
}

enum {
	DARN_PG_RELMAP_LEN = 512,
	DARN_PG_RELMAP_MAX = 62
};

/* pg_filenode.map: where the catalogues that no catalogue can name lie. */
struct darn_pg_relmap {
	uint32_t n;
	struct {
		uint32_t oid, node;
	} map[DARN_PG_RELMAP_MAX];
};

/* False: the file is damaged. */
bool darn_pg_relmap_parse(const uint8_t *buf, size_t len,
			  struct darn_pg_relmap *out);

/* The file number of the mapped relation @oid, or 0. */
uint32_t darn_pg_relmap_find(const struct darn_pg_relmap *m, uint32_t oid);

extern const struct darn_format darn_pg_format_control;
extern const struct darn_format darn_pg_format_relmap;
extern const struct darn_format darn_pg_format_version;

#endif

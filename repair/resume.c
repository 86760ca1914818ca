/* SPDX-License-Identifier: Apache-2.0 */
/* resume.c - the unfinished repair of a target: finding and finishing it. */
#include <string.h>

#include "repair/aim.h"
#include "repair/seals.h"
#include "repair/undo.h"

enum darn_rc darn_repair_pending(const struct darn_repair_options *o,
				 char **journal, struct darn_error *err)
{
	struct darn_aim t;
	enum darn_rc rc = darn_aim_open(o->path, o->scan.stores, &t, err);

	/* while another repair runs its journal is open as well */
	if (!rc)
		rc = darn_aim_lock(&t, err);
	if (!rc)
		rc = darn_journal_unfinished(t.base, journal, err);
	darn_aim_release(&t);
	return rc;
}

enum darn_rc darn_repair_finish(const struct darn_repair_options *o,
				const char *journal, uint64_t *strange,
				struct darn_error *err)
{
	struct darn_seals seals;
	struct darn_aim t;
	struct darn_recover_options r = {
		.stores = o->scan.stores,
		.assume_stopped = o->assume_stopped,
		.sealed = darn_seals_whole,
		.arg = &seals,
	};
	enum darn_rc rc = darn_aim_open(o->path, o->scan.stores, &t, err);

	memset(&seals, 0, sizeof(seals));
	if (!rc)
		rc = darn_aim_lock(&t, err);
	if (!rc)
		rc = darn_seals_open(&seals, o->manifest, t.abs, t.base, err);
	if (!rc)
		rc = darn_recover_journal(journal, &r, strange, err);
	darn_seals_release(&seals);
	darn_aim_release(&t);
	return rc;
}

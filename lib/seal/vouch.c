/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vouch.c - what a seal proves about the bytes of a file, by the rule of
 * darn-seal(5).
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"
#include "lib/seal/manifest.h"

enum {
	AT_ONCE = 64 /* digests fetched at a time */
};

bool darn_digest_is_none(const struct darn_hash128 *h)
{
	return darn_all_zero(h, sizeof(*h));
}

struct darn_hash128 darn_manifest_hash(const struct darn_manifest *m,
				       const void *buf, size_t len)
{
	return darn_xxh3_128(buf, len, darn_manifest_head(m)->secret);
}

/* Do the @len bytes at @buf, from block @first on, have these digests? */
static bool same(const struct darn_manifest *m,
		 const struct darn_sealed_entry *e, const uint8_t *buf,
		 size_t len, const struct darn_hash128 *want)
{
	for (size_t off = 0; off < len; off += e->block) {
		size_t n = DARN_MIN(len - off, e->block);
		struct darn_hash128 h = darn_manifest_hash(m, buf + off, n);

		if (darn_digest_is_none(want) ||
		    memcmp(&h, want, sizeof(h)) != 0)
			return false;
		want++;
	}
	return true;
}

enum darn_rc darn_manifest_matches(struct darn_manifest *m,
				   const struct darn_sealed_entry *e,
				   uint64_t off, const void *buf, size_t len,
				   bool *matches, struct darn_error *err)
{
	const uint8_t *p = buf;
	bool good = true;

	if (e->block == 0 || off % e->block || off > e->st.size ||
	    len > e->st.size - off ||
	    (len % e->block && len != e->st.size - off))
		return darn_fail(err, DARN_EINVAL, 0,
				 "not whole blocks of the seal of '%s'",
				 e->path);
	while (good && len > 0) {
		struct darn_hash128 want[AT_ONCE];
		size_t n = DARN_MIN(len, (size_t)AT_ONCE * e->block);
		enum darn_rc rc = darn_manifest_digests(
			m, e, off / e->block, (n + e->block - 1) / e->block,
			want, err);

		if (rc)
			return rc;
		good = same(m, e, p, n, want);
		p += n;
		off += n;
		len -= n;
	}
	*matches = good;
	return DARN_OK;
}

static bool says(char *why, size_t len, const char *text, bool answer)
{
	(void)snprintf(why, len, "%s", text);
	return answer;
}

bool darn_manifest_vouches(const struct darn_manifest *m,
			   const struct darn_sealed_entry *e,
			   const struct darn_stat *now, bool vouched, char *why,
			   size_t why_len)
{
	const struct darn_manifest_head *h = darn_manifest_head(m);
	char boot[40];

	if (h->fuzzy)
		return says(why, why_len,
			    "the seal was made while the store was live",
			    false);
	if (!e->settled)
		return says(why, why_len,
			    "the file was being written when it was sealed",
			    false);
	if (vouched)
		return says(why, why_len,
			    "the operator says that nothing was written since "
			    "the seal",
			    true);
	if (now->mtime_ns != e->st.mtime_ns)
		return says(why, why_len,
			    "the file was written after it was sealed", false);
	if (now->size != e->st.size)
		return says(why, why_len,
			    "the file's size is not the sealed one", false);
	darn_boot_id(boot);
	if (boot[0] == '\0' || strcmp(boot, h->boot_id) != 0)
		return says(
			why, why_len,
			"the machine was restarted after the seal, and data "
			"can be newer than their own time stamp",
			false);
	return says(why, why_len,
		    "size and time stamp are as sealed, in the same boot",
		    true);
}

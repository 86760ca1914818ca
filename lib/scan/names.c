/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - words for enums, and the small helpers of the contract. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/scan/report.h"

#define NAME(names, i) \
	((size_t)(i) < DARN_ARRAY_SIZE(names) ? (names)[i] : "unknown")

const char *darn_severity_name(enum darn_severity s)
{
	static const char *const names[] = {
		[DARN_INFO] = "info",
		[DARN_SUSPICIOUS] = "suspicious",
		[DARN_TORN] = "torn",
		[DARN_DAMAGED] = "damaged",
		[DARN_UNREADABLE] = "unreadable",
	};

	return NAME(names, s);
}

const char *darn_liveness_name(enum darn_liveness l)
{
	static const char *const names[] = {
		[DARN_STOPPED] = "stopped",
		[DARN_LIVE] = "live",
		[DARN_LIVENESS_UNKNOWN] = "unknown",
	};

	return NAME(names, l);
}

const char *darn_shutdown_name(enum darn_shutdown s)
{
	static const char *const names[] = {
		[DARN_CLEAN] = "clean",
		[DARN_UNCLEAN] = "unclean",
		[DARN_SHUTDOWN_UNKNOWN] = "unknown",
	};

	return NAME(names, s);
}

const char *darn_verdict_name(enum darn_verdict v)
{
	static const char *const names[] = {
		[DARN_HEALS] = "heals",
		[DARN_FREE] = "free",
		[DARN_REBUILDABLE] = "rebuildable",
		[DARN_EXACT] = "exact",
		[DARN_PROBABLE] = "probable",
		[DARN_STALE] = "stale",
		[DARN_UNKNOWN] = "unknown",
	};

	return NAME(names, v);
}

void darn_evidence_add(struct darn_evidence *e, const char *fmt, ...)
{
	size_t len = strnlen(e->text, sizeof(e->text) - 1);
	va_list ap;

	if (len > 0 && len + 1 < sizeof(e->text))
		e->text[len++] = '\n';
	va_start(ap, fmt);
	(void)vsnprintf(e->text + len, sizeof(e->text) - len, fmt, ap);
	va_end(ap);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - how functions fail.
 *
 * Two channels, never mixed: an *error* means that the job could not be done;
 * a *finding* (lib/scan/sink.h) is what was learned about the data.  A scan
 * of a ruined file returns DARN_OK.
 *
 * A function that can fail returns enum darn_rc and takes, as its last
 * argument, an error object owned by the caller.  The first error wins:
 * darn_fail() keeps what is already there, so that cleanup may call it freely.
 * Out-parameters are written only on success.
 */
#ifndef DARN_LIB_BASE_ERROR_H
#define DARN_LIB_BASE_ERROR_H

#define DARN_MUST_CHECK __attribute__((warn_unused_result))
#define DARN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum darn_rc {
	DARN_OK = 0,
	DARN_ENOMEM = -1,	/* memory or another process limit is used up */
	DARN_EIO = -2,		/* the system refused or lost I/O */
	DARN_EINVAL = -3,	/* the caller or the user asked for nonsense */
	DARN_EUNSUPPORTED = -4, /* known, but not something this build can do */
	DARN_ECANCELED = -5,	/* stopped on request */
	DARN_ENOENT = -6,	/* there is no such thing */
	DARN_ECORRUPT = -7,	/* a file of our own fails its check */
	DARN_EREFUSED = -8,	/* a safety rule forbids it */
};

struct darn_error {
	enum darn_rc rc;
	int sys_errno; /* 0 where no system call was to blame */
	char msg[512];
};

#define DARN_ERROR_INIT       \
	{                     \
		.rc = DARN_OK \
	}

/*
 * Records an error and returns its code: "return darn_fail(err, DARN_EIO,
 * errno, "cannot read '%s'", path);".  Keeps an error that is already in @err
 * and returns that one's code.  @err may be NULL.  Messages are one lower-case
 * line without a full stop, paths in single quotes; the text for @sys_errno is
 * appended here.
 */
DARN_PRINTF(4, 5)
enum darn_rc darn_fail(struct darn_error *err, enum darn_rc rc, int sys_errno,
		       const char *fmt, ...);

#ifdef __clang_analyzer__
/* What the analyser cannot see from a declaration: never DARN_OK. */
static inline enum darn_rc darn_failed(enum darn_rc rc)
{
	if (rc == DARN_OK)
		__builtin_unreachable();
	return rc;
}
#define darn_fail(...) darn_failed(darn_fail(__VA_ARGS__))
#endif

/* Forgets an error, so that @err can be used for the next job. */
void darn_error_clear(struct darn_error *err);

/* Drops a result on purpose: gcc accepts no (void) on a must-check function. */
static inline void darn_ignore(enum darn_rc rc)
{
	(void)rc;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append_errno(struct darn_error *err, int len)
{
	char buf[128];

	if (len < 0 || (size_t)len >= sizeof(err->msg) || err->sys_errno == 0)
		return;
	(void)snprintf(err->msg + len, sizeof(err->msg) - (size_t)len, ": %s",
		       strerror_r(err->sys_errno, buf, sizeof(buf)));
}

#undef darn_fail /* error.h: for the analyser */
enum darn_rc darn_fail(struct darn_error *err, enum darn_rc rc, int sys_errno,
		       const char *fmt, ...)
{
	va_list ap;
	int len;

	if (!err)
		return rc;
	if (err->rc)
		return err->rc;
	err->rc = rc;
	err->sys_errno = sys_errno;
	va_start(ap, fmt);
	len = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	append_errno(err, len);
	return rc;
}

void darn_error_clear(struct darn_error *err)
{
	err->rc = DARN_OK;
	err->sys_errno = 0;
	err->msg[0] = '\0';
}

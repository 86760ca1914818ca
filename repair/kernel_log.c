/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_log.c - the kernel's own account of failing devices.
 *
 * /dev/kmsg gives one record per read: "6,339,5140900,-;message".  Who may not
 * read it learns nothing, which is no error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "repair/repair.h"

enum {
	MAX_RECORDS = 100000
};

static bool tells_of_errors(const char *message)
{
	static const char *const words[] = {
		"I/O error",	   "critical medium error",
		"critical target", "EXT4-fs error",
		"XFS (",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *at = strstr(message, words[i]);

		if (at &&
		    (strncmp(words[i], "XFS", 3) != 0 || strstr(at, "error")))
			return true;
	}
	return false;
}

/* Appends a line, dropping the oldest ones where room is short. */
static void keep(char *buf, size_t max, const char *line, size_t len)
{
	size_t have = strlen(buf);

	if (len + 2 > max)
		return;
	while (have + len + 2 > max) {
		char *next = strchr(buf, '\n');

		if (!next) {
			buf[0] = '\0';
		} else {
			memmove(buf, next + 1, strlen(next + 1) + 1);
		}
		have = strlen(buf);
	}
	if (have)
		buf[have++] = '\n';
	memcpy(buf + have, line, len);
	buf[have + len] = '\0';
}

void darn_kernel_io_errors(char *buf, size_t max)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];

	buf[0] = '\0';
	if (fd < 0)
		return;
	for (unsigned i = 0; i < MAX_RECORDS; i++) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		char *message;

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* records were overwritten meanwhile */
		if (n <= 0)
			break;
		record[n] = '\0';
		message = strchr(record, ';');
		if (!message)
			continue;
		message++;
		message[strcspn(message, "\n")] = '\0';
		if (tells_of_errors(message))
			keep(buf, max, message, strlen(message));
	}
	(void)close(fd);
}

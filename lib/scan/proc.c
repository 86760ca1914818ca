/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.c - reading /proc.  A process may end between two looks; that is the
 * same as not having been there.
 */
#include "lib/scan/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum {
	NS_PER_S = 1000000000
};

enum darn_proc_answer darn_proc_alive(pid_t pid)
{
	if (pid <= 0)
		return DARN_NO;
	if (kill(pid, 0) == 0 || errno == EPERM)
		return DARN_YES;
	return errno == ESRCH ? DARN_NO : DARN_CANNOT_TELL;
}

/* Gone is DARN_NO, hidden is DARN_CANNOT_TELL. */
static enum darn_proc_answer no_answer(void)
{
	return errno == ENOENT || errno == ESRCH ? DARN_NO : DARN_CANNOT_TELL;
}

static enum darn_proc_answer runs(pid_t pid, const char *name)
{
	char path[64], comm[64] = "";
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return no_answer();
	n = read(fd, comm, sizeof(comm) - 1);
	(void)close(fd);
	if (n < 0)
		return no_answer();
	return strncmp(comm, name, strlen(name)) == 0 ? DARN_YES : DARN_NO;
}

enum darn_proc_answer darn_proc_works_in(pid_t pid, const char *name,
					 uint64_t dev, uint64_t ino)
{
	enum darn_proc_answer answer = runs(pid, name);
	char path[64];
	struct stat st;

	if (answer != DARN_YES)
		return answer;
	(void)snprintf(path, sizeof(path), "/proc/%ld/cwd", (long)pid);
	if (stat(path, &st) < 0)
		return no_answer();
	return st.st_dev == dev && st.st_ino == ino ? DARN_YES : DARN_NO;
}

enum darn_proc_answer darn_proc_dir_in_use(const char *name, uint64_t dev,
					   uint64_t ino, pid_t *pid)
{
	enum darn_proc_answer found = DARN_NO;
	DIR *proc = opendir("/proc");
	struct dirent *d;
	bool any = false;

	if (!proc)
		return DARN_CANNOT_TELL;
	while (found != DARN_YES && (d = readdir(proc)) != NULL) {
		pid_t p = (pid_t)strtol(d->d_name, NULL, 10);
		enum darn_proc_answer answer;

		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		any = true;
		answer = darn_proc_works_in(p, name, dev, ino);
		if (answer == DARN_YES)
			*pid = p;
		if (answer != DARN_NO)
			found = answer;
	}
	(void)closedir(proc);
	return any ? found : DARN_CANNOT_TELL;
}

enum darn_proc_answer darn_proc_sees_all(void)
{
	/* PROC_PID_INIT_INO of the kernel's proc_ns.h */
	static const char first[] = "pid:[4026531836]";
	char ns[64];
	ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1);

	if (n < 0)
		return DARN_CANNOT_TELL;
	ns[n] = '\0';
	return strcmp(ns, first) == 0 ? DARN_YES : DARN_NO;
}

bool darn_proc_boot_time_ns(int64_t *ns)
{
	struct timespec now, up;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return false;
	*ns = (now.tv_sec - up.tv_sec) * NS_PER_S + now.tv_nsec - up.tv_nsec;
	return true;
}

bool darn_fs_is_local(const char *path)
{
	/* statfs(2); overlay is left out: what lies below it may be shared */
	static const uint32_t local[] = {
		0xef53,	    /* ext2 to ext4 */
		0x58465342, /* XFS */
		0x9123683e, /* btrfs */
		0x01021994, /* tmpfs */
		0x858458f6, /* ramfs */
		0xf2f52010, /* F2FS */
		0x2fc12fc1, /* ZFS */
		0x3153464a, /* JFS */
		0xca451a4e, /* bcachefs */
	};
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return false;
	for (size_t i = 0; i < DARN_ARRAY_SIZE(local); i++)
		if ((uint32_t)fs.f_type == local[i])
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tree.c - a directory as a tree: order, links, and no way out of it.
 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/tree.h"

static char root[PATH_MAX];	 /* the tree */
static char elsewhere[PATH_MAX]; /* a directory beside it */
static struct darn_tree *tree;

static void run(const char *command, const char *arg)
{
	char line[2 * PATH_MAX];

	(void)snprintf(line, sizeof(line), "%s '%s'", command, arg);
	ck_assert_int_eq(system(line), 0);
}

static const char *in(const char *dir, const char *name)
{
	static char path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *dir, const char *name, const char *text)
{
	FILE *f = fopen(in(dir, name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void put_dir(const char *dir, const char *name)
{
	ck_assert_int_eq(mkdir(in(dir, name), 0755), 0);
}

static void put_link(const char *target, const char *name)
{
	ck_assert_int_eq(symlink(target, in(root, name)), 0);
}

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");
	struct darn_error err = DARN_ERROR_INIT;

	(void)snprintf(root, sizeof(root), "%s/darn-tree-XXXXXX",
		       tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(root));
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/darn-else-XXXXXX",
		       tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(elsewhere));
	put_dir(root, "base");
	put(root, "base/file", "some text");
	put_dir(root, "tblspc");
	put_dir(elsewhere, "data");
	put(elsewhere, "data/far", "far away");
	put_link(elsewhere, "tblspc/1");
	put_link("base/file", "to_file");
	put_link("nowhere", "dangling");
	ck_assert_msg(darn_tree_open_posix(root, false, &tree, &err) == DARN_OK,
		      "%s", err.msg);
}

static void tear_down(void)
{
	darn_tree_close(tree);
	run("rm -rf", root);
	run("rm -rf", elsewhere);
}

static void ck_assert_open(const char *path, enum darn_rc want)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_io *io = NULL;
	enum darn_rc rc = darn_tree_open(tree, path, &io, &err);

	ck_assert_msg(rc == want, "open '%s': %d, %s", path, rc, err.msg);
	if (rc)
		ck_assert_int_gt((int)strlen(err.msg), 0);
	darn_io_close(io);
}

static void ck_assert_stat(const char *path, enum darn_ftype want)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_stat st;

	ck_assert_msg(darn_tree_stat(tree, path, &st, &err) == DARN_OK, "%s",
		      err.msg);
	ck_assert_msg(st.type == want, "'%s' has type %d", path, st.type);
}

static enum darn_rc note(const struct darn_entry *e, void *payload,
			 struct darn_error *err)
{
	static const char types[] = "fdlo";
	char *text = payload;
	size_t len = strlen(text);

	(void)err;
	(void)snprintf(text + len, 4096 - len, "%c %s%s%s\n", types[e->st.type],
		       e->path, e->link ? " > " : "", e->link ? e->link : "");
	return DARN_OK;
}

static const char *list(const char *dir)
{
	static char text[4096];
	struct darn_error err = DARN_ERROR_INIT;

	text[0] = '\0';
	ck_assert_msg(darn_tree_list(tree, dir, note, text, &err) == DARN_OK,
		      "%s", err.msg);
	return text;
}

START_TEST(lists_in_byte_order)
{
	put(root, "base/B", "");
	put(root, "base/a", "");
	put(root, "base/\xff", "");
	put(root, "base/10", "");
	put(root, "base/9", "");
	put_dir(root, "base/a.d");
	ck_assert_int_eq(mkfifo(in(root, "base/pipe"), 0600), 0);
	ck_assert_str_eq(list("base"),
			 "f base/10\nf base/9\nf base/B\nf base/a\n"
			 "d base/a.d\nf base/file\no base/pipe\n"
			 "f base/\xff\n");
	ck_assert_str_eq(list(""), "d base\nl dangling > nowhere\n"
				   "d tblspc\nl to_file > base/file\n");
	ck_assert_str_eq(list("base/a.d"), "");
}
END_TEST

/* So many names that the buffers grow, in the order of the bytes. */
START_TEST(lists_many)
{
	enum {
		N = 3000
	};
	struct darn_error err = DARN_ERROR_INIT;
	char name[NAME_MAX + 1], *text = calloc(1, 4096);
	int i;

	put_dir(root, "many");
	for (i = N; i-- > 0;) {
		(void)snprintf(name, sizeof(name), "many/%0200d", i);
		put(root, name, "");
	}
	ck_assert_int_eq(darn_tree_list(tree, "many", note, text, &err),
			 DARN_OK);
	for (i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "f many/%0200d\n", i);
		ck_assert_int_eq(strncmp(text + (size_t)i * strlen(name), name,
					 strlen(name)),
				 0);
	}
	free(text);
}
END_TEST

static enum darn_rc stop_at_second(const struct darn_entry *e, void *payload,
				   struct darn_error *err)
{
	(void)e;
	(void)err;
	return ++*(int *)payload == 2 ? DARN_ECANCELED : DARN_OK;
}

START_TEST(listing_can_be_stopped)
{
	int calls = 0;

	ck_assert_int_eq(darn_tree_list(tree, "", stop_at_second, &calls, NULL),
			 DARN_ECANCELED);
	ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(links_are_not_followed)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_stat st;

	ck_assert_stat("to_file", DARN_FT_LINK);
	ck_assert_stat("tblspc/1", DARN_FT_LINK);
	ck_assert_open("to_file", DARN_EREFUSED);
	ck_assert_open("tblspc/1/data/far", DARN_EREFUSED);
	ck_assert_int_eq(darn_tree_stat(tree, "tblspc/1/data", &st, &err),
			 DARN_EREFUSED);
	ck_assert_ptr_nonnull(strstr(err.msg, "symbolic link"));
	darn_error_clear(&err);
	ck_assert_int_ne(darn_tree_list(tree, "tblspc/1", note, NULL, &err),
			 DARN_OK);
}
END_TEST

START_TEST(named_links_are_followed)
{
	struct darn_error err = DARN_ERROR_INIT;
	uint8_t *text;
	size_t len;

	ck_assert_int_eq(darn_tree_follow(tree, "tblspc/1", &err), DARN_OK);
	ck_assert_int_eq(darn_tree_follow(tree, "tblspc/1", &err), DARN_OK);
	ck_assert_int_eq(darn_tree_follow(tree, "base", &err), DARN_OK);
	ck_assert_stat("tblspc/1", DARN_FT_DIR);
	ck_assert_str_eq(list("tblspc"), "d tblspc/1\n");
	ck_assert_str_eq(list("tblspc/1"), "d tblspc/1/data\n");
	ck_assert_str_eq(list("tblspc/1/data"), "f tblspc/1/data/far\n");
	ck_assert_int_eq(darn_tree_slurp(tree, "tblspc/1/data/far", 100, &text,
					 &len, &err),
			 DARN_OK);
	ck_assert_str_eq((char *)text, "far away");
	free(text);
	ck_assert_open("tblspc/1/../x", DARN_EINVAL);
	ck_assert_open("tblspc/1", DARN_EREFUSED);
	ck_assert_open("tblspc/12", DARN_ENOENT);
	ck_assert_open("to_file", DARN_EREFUSED);
	ck_assert_int_ne(darn_tree_follow(tree, "to_file", NULL), DARN_OK);
	ck_assert_int_ne(darn_tree_follow(tree, "base/file", NULL), DARN_OK);
	ck_assert_int_eq(darn_tree_follow(tree, "dangling", NULL), DARN_ENOENT);
	ck_assert_int_eq(darn_tree_follow(tree, "absent", NULL), DARN_ENOENT);
}
END_TEST

static const char *const bad_paths[] = {
	"/base/file", "base//file", "base/", "base/./file", ".",
	"..",	      "base/..",    "../x",  "/",	    "base/../base/file",
};

START_TEST(paths_stay_inside)
{
	ck_assert_open(bad_paths[_i], DARN_EINVAL);
}
END_TEST

START_TEST(errors_are_clear)
{
	char name[NAME_MAX + 8];

	ck_assert_open("absent", DARN_ENOENT);
	ck_assert_open("absent/too", DARN_ENOENT);
	ck_assert_open("base/file/below", DARN_ENOENT);
	ck_assert_open("base", DARN_EREFUSED);
	ck_assert_open("", DARN_EREFUSED);
	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	ck_assert_open(name, DARN_EIO);
	memcpy(name, "base/", 5);
	ck_assert_open(name, DARN_ENOENT);
	ck_assert_int_eq(mkfifo(in(root, "pipe"), 0600), 0);
	ck_assert_open("pipe", DARN_EREFUSED);
	ck_assert_open("base/file", DARN_OK);
}
END_TEST

/* Deeper than PATH_MAX: the walk is by component. */
START_TEST(depth_is_no_limit)
{
	enum {
		DEPTH = 60
	};
	static char path[DEPTH * 101];
	struct darn_error err = DARN_ERROR_INIT;
	int fd = open(root, O_PATH), next, i;
	struct darn_stat st;

	for (i = 0; i < DEPTH; i++) {
		char *name = path + (size_t)i * 101;

		memset(name, 'd', 100);
		name[100] = '\0';
		ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_PATH);
		close(fd);
		fd = next;
		if (i)
			name[-1] = '/';
	}
	close(fd);
	ck_assert_int_gt((int)strlen(path), PATH_MAX);
	ck_assert_msg(darn_tree_stat(tree, path, &st, &err) == DARN_OK, "%s",
		      err.msg);
	ck_assert_int_eq(st.type, DARN_FT_DIR);
}
END_TEST

START_TEST(stat_says_what_is_there)
{
	struct darn_error err = DARN_ERROR_INIT;
	struct darn_stat st;
	struct stat sb;

	ck_assert_int_eq(chmod(in(root, "base/file"), 0640), 0);
	ck_assert_int_eq(stat(in(root, "base/file"), &sb), 0);
	ck_assert_int_eq(darn_tree_stat(tree, "base/file", &st, &err), DARN_OK);
	ck_assert_int_eq(st.type, DARN_FT_FILE);
	ck_assert_uint_eq(st.size, 9);
	ck_assert_uint_eq(st.dev, sb.st_dev);
	ck_assert_uint_eq(st.ino, sb.st_ino);
	ck_assert_uint_eq(st.nlink, 1);
	ck_assert_uint_eq(st.mode, 0640);
	ck_assert_int_eq(st.mtime_ns,
			 sb.st_mtim.tv_sec * 1000000000L + sb.st_mtim.tv_nsec);
	ck_assert_stat("", DARN_FT_DIR);
}
END_TEST

START_TEST(slurp_has_a_limit)
{
	struct darn_error err = DARN_ERROR_INIT;
	uint8_t *text = NULL;
	size_t len;

	ck_assert_int_eq(
		darn_tree_slurp(tree, "base/file", 8, &text, &len, &err),
		DARN_EINVAL);
	darn_error_clear(&err);
	ck_assert_int_eq(
		darn_tree_slurp(tree, "base/file", 9, &text, &len, &err),
		DARN_OK);
	ck_assert_uint_eq(len, 9);
	ck_assert_str_eq((char *)text, "some text");
	free(text);
	put(root, "empty", "");
	ck_assert_int_eq(darn_tree_slurp(tree, "empty", 0, &text, &len, &err),
			 DARN_OK);
	ck_assert_uint_eq(len, 0);
	ck_assert_uint_eq(text[0], 0);
	free(text);
}
END_TEST

START_TEST(roots)
{
	struct darn_tree *other = NULL;

	ck_assert_ptr_nonnull(tree->os_path);
	ck_assert_int_eq(tree->os_path[0], '/');
	ck_assert_str_eq(tree->name, root);
	ck_assert_int_eq(
		darn_tree_open_posix(in(root, "absent"), false, &other, NULL),
		DARN_ENOENT);
	ck_assert_int_eq(darn_tree_open_posix(in(root, "base/file"), false,
					      &other, NULL),
			 DARN_EINVAL);
	ck_assert_ptr_null(other);
	darn_tree_close(NULL);
}
END_TEST

/* The environment plants faults in the files whose names match, only there. */
START_TEST(environment_plants_faults)
{
	struct darn_error err = DARN_ERROR_INIT;
	uint8_t *text = NULL;
	size_t len;

	put(root, "base/other", "some text");
	ck_assert_int_eq(
		setenv("DARN_FAULT", "eio:nomatch:0+1,flip:base/f:1.5", 1), 0);
	ck_assert_int_eq(
		darn_tree_slurp(tree, "base/file", 9, &text, &len, &err),
		DARN_OK);
	ck_assert_str_eq((char *)text, "sOme text");
	free(text);
	ck_assert_int_eq(
		darn_tree_slurp(tree, "base/other", 9, &text, &len, &err),
		DARN_OK);
	ck_assert_str_eq((char *)text, "some text");
	free(text);
	ck_assert_int_eq(setenv("DARN_FAULT", "eio:base/file:0+1", 1), 0);
	ck_assert_int_eq(
		darn_tree_slurp(tree, "base/file", 9, &text, &len, &err),
		DARN_EIO);
	ck_assert_int_eq(unsetenv("DARN_FAULT"), 0);
}
END_TEST

static const char *const bad_specs[] = {
	"x",	       "eio",	      "eio:f",	     "eio:f:",
	"eio:f:1",     "eio:f:1+",    "eio:f:+1",    "eio:f:1+2x",
	"flip:f:1.8",  "flip:f:1",    "flip:f:1.2x", "short:f:-1",
	"short:f:0x",  "shrink:f:1",  "shrink:f:1@", "melt:f:1+1",
	"eio:f:1+2,,", "eio:f:1+2:3", "eio:f:1 +2",
};

START_TEST(bad_fault_specs_are_refused)
{
	ck_assert_int_eq(setenv("DARN_FAULT", bad_specs[_i], 1), 0);
	ck_assert_open("base/file", DARN_EINVAL);
	ck_assert_int_eq(unsetenv("DARN_FAULT"), 0);
}
END_TEST

Suite *darn_suite(void);

Suite *darn_suite(void)
{
	Suite *s = suite_create("tree");
	TCase *t = tcase_create("tree");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, lists_in_byte_order);
	tcase_add_test(t, lists_many);
	tcase_add_test(t, listing_can_be_stopped);
	tcase_add_test(t, links_are_not_followed);
	tcase_add_test(t, named_links_are_followed);
	tcase_add_loop_test(t, paths_stay_inside, 0,
			    DARN_ARRAY_SIZE(bad_paths));
	tcase_add_test(t, errors_are_clear);
	tcase_add_test(t, depth_is_no_limit);
	tcase_add_test(t, stat_says_what_is_there);
	tcase_add_test(t, slurp_has_a_limit);
	tcase_add_test(t, roots);
	tcase_add_test(t, environment_plants_faults);
	tcase_add_loop_test(t, bad_fault_specs_are_refused, 0,
			    DARN_ARRAY_SIZE(bad_specs));
	suite_add_tcase(s, t);
	return s;
}

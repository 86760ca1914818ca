/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - runs a fuzz target over files, without a fuzzer.
 *
 * usage: fuzz_X FILE|DIRECTORY...
 *
 * Each file is copied to memory of exactly its size, so that a sanitizer or
 * valgrind sees a read past its end.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long done;

static int run_file(const char *path, size_t size)
{
	/* of nothing, the end of a block: no byte of it may be looked at */
	uint8_t *block = malloc(size ? size : 1);
	uint8_t *data = block && !size ? block + 1 : block;
	FILE *f = fopen(path, "rb");
	int ok = block && f && fread(data, 1, size, f) == size;

	if (f)
		(void)fclose(f);
	if (ok) {
		(void)LLVMFuzzerTestOneInput(data, size);
		done++;
	} else {
		fprintf(stderr, "cannot read %s\n", path);
	}
	free(block);
	return ok ? 0 : 1;
}

static int run_dir(const char *path)
{
	struct dirent **names;
	int bad = 0, n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		fprintf(stderr, "cannot list %s\n", path);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char full[4096];
		struct stat st;

		(void)snprintf(full, sizeof(full), "%s/%s", path,
			       names[i]->d_name);
		if (stat(full, &st) == 0 && S_ISREG(st.st_mode))
			bad |= run_file(full, (size_t)st.st_size);
		free(names[i]);
	}
	free(names);
	return bad;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0) {
			fprintf(stderr, "cannot find %s\n", argv[i]);
			bad = 1;
		} else if (S_ISDIR(st.st_mode)) {
			bad |= run_dir(argv[i]);
		} else {
			bad |= run_file(argv[i], (size_t)st.st_size);
		}
	}
	printf("%lu inputs\n", done);
	if (done == 0)
		fprintf(stderr, "no input was run\n");
	return bad || done == 0;
}

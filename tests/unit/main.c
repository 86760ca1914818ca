/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - runs the suite of one unit test binary.
 *
 * Each tests/unit/test_<thing>.c defines darn_suite(); the file appears, the
 * test runs, nothing is registered anywhere.
 */
#include <check.h>
#include <stdlib.h>

Suite *darn_suite(void);

int main(void)
{
	SRunner *runner = srunner_create(darn_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* suite.h - the main() of a unit test: one TCase of the tests listed. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether to run a test: all, or the one that TEST_ONLY names. */
static inline bool
suite_wants(const TTest *test)
{
	const char *only = getenv("TEST_ONLY");

	return only == NULL || only[0] == '\0' ||
	       strcmp(only, test->name) == 0;
}

/* Runs tests (NULL at the end) under name, setup before and teardown after
 * each (NULL: none); the program's exit status.  None at all is a failure. */
static inline int
suite_run_with(const char *name, const TTest *const *tests,
	       void (*setup)(void), void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	bool passed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (; *tests != NULL; tests++)
		if (suite_wants(*tests))
			tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	passed = srunner_ntests_run(runner) != 0 &&
		 srunner_ntests_failed(runner) == 0;
	srunner_free(runner);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same without setup and teardown. */
static inline int
suite_run(const char *name, const TTest *const *tests)
{
	return suite_run_with(name, tests, NULL, NULL);
}

#endif

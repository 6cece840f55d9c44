/* SPDX-License-Identifier: MIT */
/* suite.h - the main() of a unit test: one TCase of the tests listed. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs tests (NULL at the end) under name, setup before and teardown after
 * each (NULL: none); the program's exit status. */
static inline int
suite_run_with(const char *name, const TTest *const *tests,
	       void (*setup)(void), void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (; *tests != NULL; tests++)
		tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same without setup and teardown. */
static inline int
suite_run(const char *name, const TTest *const *tests)
{
	return suite_run_with(name, tests, NULL, NULL);
}

#endif

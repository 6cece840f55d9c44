/* SPDX-License-Identifier: MIT */
/*
 * breaker_play.c - plays the traces in files, or on standard input; says
 * file:line for each expectation that fails, and "N passed, N failed".
 *
 * Exit status: 0 all passed, 1 not all, 2 a file that cannot be opened.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "breaker_trace.h"

int
main(int argc, char **argv)
{
	struct trace_totals totals = { 0, 0, 0 };
	FILE *file;
	int i;

	if (argc == 1)
		trace_play(stdin, "-", stdout, &totals);
	for (i = 1; i < argc; i++) {
		file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "r");
		if (file == NULL) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 2;
		}
		trace_play(file, argv[i], stdout, &totals);
		if (file != stdin)
			fclose(file);
	}
	printf("%u passed, %u failed\n", totals.passed, totals.failed);
	return totals.failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * view.c - what a view of one flag costs a shared object (begin, read, end),
 * against a bare liburcu-bp section there, its TLS initial-exec too.
 *
 *	view ROOT
 */
#include "bench.h"
#include "view.h"

#define ROUNDS 61

static double
time_loop(view_loop *loop)
{
	int64_t start = bench_ns();

	loop(VIEW_CALLS);
	return (double)(bench_ns() - start) / VIEW_CALLS;
}

int
main(int argc, char **argv)
{
	static const char what[] = "a view of one flag, in a shared object / "
				   "liburcu-bp section";
	double ratio[ROUNDS], ns[ROUNDS], bare;
	char text[80];

	if (argc != 2)
		return 2;
	bench_start(argv[1]);
	bench_pin(0);
	if (view_urcu() == NULL) {
		bench_no_row("view", what, "2", "absent", "");
		return 0;
	}
	for (int i = 0; i < ROUNDS; i++) {
		bare = i % 2 == 0 ? time_loop(view_urcu()) : 0;
		ns[i] = time_loop(view_flag);
		if (i % 2 != 0)
			bare = time_loop(view_urcu());
		ratio[i] = ns[i] / bare;
	}
	snprintf(text, sizeof(text), "%.2f ns a view",
		 bench_median(ns, ROUNDS));
	bench_row("view", what, "2", bench_median(ratio, ROUNDS), text);
	return 0;
}

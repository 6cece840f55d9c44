/* SPDX-License-Identifier: MIT */
/* minimal.c - one flag, read once a second, until SIGTERM. */
#include <ripcord.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

FLAG_DEFINE(fast, "minimal.fast", "the optimized arm of this example");

int
main(int argc, char **argv)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	options.root = argc > 1 ? argv[1] : NULL;
	if (flag_start("minimal", &options, &error) != 0)
		fprintf(stderr, "minimal: %s\n", error.text);
	do
		puts(flag_enabled(&fast) ? "optimized" : "baseline");
	while (fflush(stdout) == 0 && sigtimedwait(&end, NULL,
	       &(struct timespec){ 1, 0 }) != SIGTERM);
	flag_stop();
	return 0;
}

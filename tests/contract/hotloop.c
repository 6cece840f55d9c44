/* SPDX-License-Identifier: MIT */
/*
 * hotloop.c - a flip is seen inside a hot loop.  A thread spins while a flag
 * is on; when it has turned many times, the flag is stored off, and the
 * thread must end.  A watchdog turns "never" into a failure.
 *
 * With -DVIOLATE=read the loop reads in a way that compilers take out of
 * loops; then the watchdog must strike.  Exit status: 0 ended, 3 never ended.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ripcord.h>

#define NEVER_ENDED 3

FLAG_DEFINE(spin, "hotloop.spin", "the thread goes on");

#ifdef VIOLATE
#define WATCHDOG 2
#define UNUSED __attribute__((unused))

/* No volatile: the asm depends on its operand alone. */
static inline UNUSED int
unsafe_asm(const struct flag *flag)
{
	int on = (int)flag->state;

	__asm__("andl $1, %0" : "+r"(on));
	return on;
}

static inline UNUSED int
unsafe_plain(const struct flag *flag)
{
	return (int)(flag->state & 1u);
}

#define READ(flag) VIOLATE(flag)
#else
#define WATCHDOG 60
#define READ(flag) flag_enabled(flag)
#endif

static volatile unsigned long turns;

/* The library's, for this test: nothing to remember. */
void
flag_register(struct flag_object *object)
{
	(void)object;
}

static void *
spin_defined(void *unused)
{
	while (READ(&spin))
		turns = turns + 1;
	return unused;
}

static void *
spin_pointer(void *argument)
{
	const struct flag *flag = (const struct flag *)argument;

	while (READ(flag))
		turns = turns + 1;
	return NULL;
}

/* Nothing else in the loop; turns says that it is about to begin. */
static void *
spin_empty(void *unused)
{
	turns = 1000000;
	while (READ(&spin))
		;
	return unused;
}

static void
flip_under(void *(*loop)(void *))
{
	pthread_t thread;

	turns = 0;
	__atomic_store_n(&spin.state, 1u, __ATOMIC_RELAXED);
	alarm(WATCHDOG);
	if (pthread_create(&thread, NULL, loop, &spin) != 0)
		_exit(1);
	while (turns < 1000)
		usleep(100);
	usleep(1000);
	__atomic_store_n(&spin.state, 0u, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	alarm(0);
}

static void
never_ended(int signal)
{
	(void)signal;
	_exit(NEVER_ENDED);
}

int
main(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = never_ended;
	sigaction(SIGALRM, &action, NULL);
	flip_under(spin_defined);
	flip_under(spin_pointer);
	flip_under(spin_empty);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* hangup.c - SIGHUP, only if the host asked for it, and chained. */
#include "run/hangup.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* W: install, before the handler can run.  R: the handler. */
static struct sigaction former;
static void (*ask)(void);
/* W, R: start and stop. */
static bool installed;

static void
on_hangup(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	ask();
	if (former.sa_flags & SA_SIGINFO)
		former.sa_sigaction(number, info, context);
	else if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN)
		former.sa_handler(number);
	errno = saved;
}

void
flagp_hangup_install(void (*request)(void))
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };

	if (installed || sigaction(SIGHUP, NULL, &former) != 0)
		return;
	if (!(former.sa_flags & SA_SIGINFO) && former.sa_handler == SIG_IGN)
		return;
	ask = request;
	action.sa_sigaction = on_hangup;
	sigemptyset(&action.sa_mask);
	installed = sigaction(SIGHUP, &action, NULL) == 0;
}

void
flagp_hangup_remove(void)
{
	struct sigaction now;

	if (!installed)
		return;
	if (sigaction(SIGHUP, NULL, &now) != 0 ||
	    !(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_hangup)
		return;		/* somebody may call ours: no second time */
	installed = sigaction(SIGHUP, &former, NULL) != 0;
}

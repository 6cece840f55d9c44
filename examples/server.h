/* SPDX-License-Identifier: MIT */
/* server.h - one worker: connections on an epoll loop. */
#ifndef SERVER_H
#define SERVER_H

#include <signal.h>

#include "answer.h"

/*
 * Serves what comes in on listener until a signal of end arrives; then it
 * answers what was asked and returns.  end must be blocked.  Counts in own.
 * Returns 0, or -errno if it could not start.
 */
int server_run(int listener, const sigset_t *end,
	       const struct answer_source *source, struct tally *own);

#endif

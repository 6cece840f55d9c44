/* SPDX-License-Identifier: MIT */
/*
 * wordd.c - counts the words of a text: a small prefork service.
 *
 *	wordd [-w WORKERS] SOCKET
 *
 * A client connects, sends its text and ends its side of the connection;
 * the answer is one line: lines, words, bytes.
 */
#include "count.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_WORKERS 64

static int
listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		return -1;
	return listen(fd, 64) == -1 ? -1 : fd;
}

static void
answer(int client)
{
	struct counts c = { 0, 0, 0, 0 };
	char text[65536];
	ssize_t n;

	while ((n = read(client, text, sizeof(text))) > 0)
		count(&c, text, (size_t)n);
	dprintf(client, "%lu %lu %lu\n", c.lines, c.words, c.bytes);
}

static void
work(int listener, const sigset_t *signals)
{
	int client;

	sigprocmask(SIG_UNBLOCK, signals, NULL);
	for (;;) {
		client = accept(listener, NULL, NULL);
		if (client == -1)
			continue;
		answer(client);
		close(client);
	}
}

/* Forks the workers, waits for a signal to stop, ends the workers. */
static void
serve(int listener, int workers)
{
	pid_t pids[MAX_WORKERS];
	sigset_t signals;
	int i, signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (i = 0; i < workers; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			work(listener, &signals);
	}
	sigwait(&signals, &signal);
	for (i = 0; i < workers; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGTERM);
}

int
main(int argc, char **argv)
{
	int workers = 2, option, listener;

	while ((option = getopt(argc, argv, "w:")) == 'w')
		workers = atoi(optarg);
	if (option != -1 || optind + 1 != argc || workers < 1 ||
	    workers > MAX_WORKERS) {
		fprintf(stderr, "usage: wordd [-w WORKERS] SOCKET\n");
		return 2;
	}
	listener = listen_on(argv[optind]);
	if (listener == -1) {
		perror(argv[optind]);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	serve(listener, workers);
	unlink(argv[optind]);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * filed.c - answers questions about files, over HTTP on loopback.
 *
 * A master reads the files, opens a listening socket for each worker, starts
 * Ripcord, forks the workers and waits.  A flag that is flipped is flipped in
 * the master and in every worker at once.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <ripcord.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "checksum.h"
#include "corpus.h"
#include "note.h"
#include "server.h"
#include "tally.h"

#define SERVICE "filed"
#define MIB (1024u * 1024u)
#define BACKLOG 512
#define END_S 5			/* workers get this long to end */

struct settings {
	unsigned port, workers, mib;
	const char *files, *root;
};

struct worker {
	pid_t pid;			/* 0: none */
	int listener;
	time_t started;
};

struct master {
	struct settings settings;
	struct corpus corpus;
	struct answer_source source;
	sigset_t signals, end;
	struct worker workers[TALLY_WORKERS];
};

static int read_settings(struct settings *settings, int argc, char **argv);
static int read_number(const char *text, unsigned low, unsigned high,
		       unsigned *number);
static int prepare(struct master *master);
static int open_listeners(struct master *master);
static int open_listener(unsigned *port);
static void start_flags(const struct settings *settings);
static int start_worker(struct master *master, unsigned which);
static void run_worker(struct master *master, unsigned which, pid_t parent)
	__attribute__((noreturn));
static int supervise(struct master *master);
static int replace_dead(struct master *master);
static void end_workers(struct master *master);
static int fail(const char *what, int error_number);

static const char usage[] =
"usage: filed [--port N] [--workers N] [--files DIR] [--mib N] [--root DIR]\n"
"\n"
"  --port N     port on 127.0.0.1; 0 takes any free one (8080)\n"
"  --workers N  processes that answer, 1 to 64 (2)\n"
"  --files DIR  the files to answer questions about (/usr/include)\n"
"  --mib N      read at most so many MiB of them, 1 to 1024 (8)\n"
"  --root DIR   one folder for all of Ripcord's files (the system's)\n"
"\n"
"The address is the one line on standard output; the log is on standard\n"
"error.  Questions: /crc32/PATH /count/WORD /files /stats /health\n";

int
main(int argc, char **argv)
{
	static struct master master;
	int result = read_settings(&master.settings, argc, argv);

	if (result != 0) {
		fputs(usage, result < 0 ? stderr : stdout);
		return result < 0 ? 2 : 0;
	}
	if (prepare(&master) < 0)
		return 1;
	start_flags(&master.settings);
	printf("http://127.0.0.1:%u\n", master.settings.port);
	fflush(stdout);
	result = supervise(&master);
	end_workers(&master);
	flag_stop();
	corpus_free(&master.corpus);
	note(LOG_NOTICE, "stop", "status=%d", result);
	return result;
}

/* Returns 0, 1 if only the usage was asked for, or -1. */
static int
read_settings(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "workers", required_argument, NULL, 'w' },
		{ "files", required_argument, NULL, 'f' },
		{ "mib", required_argument, NULL, 'm' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, bad = 0;

	*settings = (struct settings){ 8080, 2, 8, "/usr/include", NULL };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			bad |= read_number(optarg, 0, 65535, &settings->port);
		else if (option == 'w')
			bad |= read_number(optarg, 1, TALLY_WORKERS,
					   &settings->workers);
		else if (option == 'm')
			bad |= read_number(optarg, 1, 1024, &settings->mib);
		else if (option == 'f')
			settings->files = optarg;
		else if (option == 'r')
			settings->root = optarg;
		else
			return option == 'h' ? 1 : -1;
	}
	return bad != 0 || optind != argc ? -1 : 0;
}

static int
read_number(const char *text, unsigned low, unsigned high, unsigned *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < low || value > high)
		return -1;
	*number = (unsigned)value;
	return 0;
}

/* Everything that workers share.  Returns 0 or -1. */
static int
prepare(struct master *master)
{
	const struct settings *settings = &master->settings;
	int result;

	sigemptyset(&master->end);
	sigaddset(&master->end, SIGTERM);
	sigaddset(&master->end, SIGINT);
	master->signals = master->end;
	sigaddset(&master->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &master->signals, NULL);
	checksum_prepare();
	result = corpus_load(&master->corpus, settings->files,
			     (size_t)settings->mib * MIB);
	if (result < 0)
		return fail(settings->files, -result);
	master->source.corpus = &master->corpus;
	master->source.tallies = tally_create();
	if (master->source.tallies == NULL)
		return fail("memory", errno);
	if (open_listeners(master) < 0)
		return fail("127.0.0.1", errno);
	note(LOG_NOTICE, "start", "port=%u workers=%u files=%zu bytes=%zu",
	     settings->port, settings->workers, master->corpus.count,
	     master->corpus.size);
	return 0;
}

/* One for each worker, all on the same port: the kernel spreads clients. */
static int
open_listeners(struct master *master)
{
	unsigned i;

	for (i = 0; i < master->settings.workers; i++) {
		int listener = open_listener(&master->settings.port);

		if (listener < 0)
			return -1;
		master->workers[i].listener = listener;
	}
	return 0;
}

/* Port 0 becomes the port that the kernel chose. */
static int
open_listener(unsigned *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int one = 1, listener;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0);
	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one,
		       sizeof(one)) < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one,
		       sizeof(one)) < 0 ||
	    bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, BACKLOG) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return -1;
	*port = ntohs(address.sin_port);
	return listener;
}

/* Before the fork, so that all workers share the flags.  Whatever goes wrong
 * here is told and no reason not to serve. */
static void
start_flags(const struct settings *settings)
{
	struct flag_options options = FLAG_OPTIONS_INIT;
	struct flag_error error;
	int result;

	options.root = settings->root;
	options.log = note_library;
	result = flag_start(SERVICE, &options, &error);
	if (result != 0)
		note(LOG_WARNING, "flags", "result=%d text=\"%s\"", result,
		     error.text);
}

static int
start_worker(struct master *master, unsigned which)
{
	struct worker *worker = &master->workers[which];
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return fail("fork", errno);
	if (pid == 0)
		run_worker(master, which, parent);
	worker->pid = pid;
	worker->started = time(NULL);
	note(LOG_INFO, "worker", "worker=%d", (int)pid);
	return 0;
}

static void
run_worker(struct master *master, unsigned which, pid_t parent)
{
	struct flag_error error;
	unsigned i;
	int result;

	/* Without its master a worker ends, also if that died just now. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	for (i = 0; i < master->settings.workers; i++)
		if (i != which)
			close(master->workers[i].listener);
	result = flag_child(&error);
	if (result != 0)
		note(LOG_WARNING, "flags", "result=%d text=\"%s\"", result,
		     error.text);
	result = server_run(master->workers[which].listener, &master->end,
			    &master->source, &master->source.tallies[which]);
	if (result < 0)
		fail("worker", -result);
	flag_stop();
	_exit(result < 0 ? 1 : 0);
}

/* Returns the exit status when it is time to end. */
static int
supervise(struct master *master)
{
	unsigned i;
	int signal = SIGCHLD;

	for (i = 0; i < master->settings.workers; i++)
		if (start_worker(master, i) < 0)
			return 1;
	while (signal != SIGTERM && signal != SIGINT) {
		signal = sigwaitinfo(&master->signals, NULL);
		if (signal == SIGCHLD && replace_dead(master) < 0)
			return 1;
	}
	return 0;
}

/* A worker that died at once would die again: then the service ends. */
static int
replace_dead(struct master *master)
{
	unsigned i;
	int status;

	for (i = 0; i < master->settings.workers; i++) {
		struct worker *worker = &master->workers[i];
		pid_t pid = waitpid(worker->pid, &status, WNOHANG);

		if (pid != worker->pid)
			continue;
		worker->pid = 0;
		note(LOG_ERR, "worker_died", "worker=%d status=%d", (int)pid,
		     status);
		if (time(NULL) - worker->started < 2 ||
		    start_worker(master, i) < 0)
			return -1;
	}
	return 0;
}

static void
end_workers(struct master *master)
{
	const struct timespec second = { 1, 0 };
	unsigned i, left = master->settings.workers, waited_s = 0;

	for (i = 0; i < master->settings.workers; i++)
		if (master->workers[i].pid > 0)
			kill(master->workers[i].pid, SIGTERM);
	while (left > 0) {
		left = 0;
		for (i = 0; i < master->settings.workers; i++) {
			struct worker *worker = &master->workers[i];

			if (worker->pid > 0 &&
			    waitpid(worker->pid, NULL, WNOHANG) == worker->pid)
				worker->pid = 0;
			left += worker->pid > 0;
			if (worker->pid > 0 && waited_s >= END_S)
				kill(worker->pid, SIGKILL);
		}
		if (left > 0 && sigtimedwait(&master->signals, NULL,
					     &second) < 0)
			waited_s++;
	}
}

static int
fail(const char *what, int error_number)
{
	note(LOG_ERR, "failed", "what=%s text=\"%s\"", what,
	     strerror(error_number));
	return -1;
}

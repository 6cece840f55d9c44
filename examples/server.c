/* SPDX-License-Identifier: MIT */
/*
 * server.c - one worker: connections on an epoll loop.
 *
 * A connection is read until a whole request is there, answered, and written
 * to; while an answer waits for a slow reader, nothing more is read from it.
 */
#include "server.h"

#include <errno.h>
#include <stddef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "note.h"

#define CONNECTIONS_LIMIT 1000u
#define EVENTS 64
#define OUT_LIMIT 65536u	/* answers that wait before it stops parsing */
#define IDLE_S 60		/* a silent connection is closed */
#define LINGER_S 2		/* so is one that we are done with */

struct connection {
	struct connection *next, **link;
	int socket;
	int64_t active_s;	/* when an answer last moved */
	bool ended;		/* their side is shut */
	bool closing;		/* after what is in out */
	bool lingering;		/* our side is shut; waits for theirs */
	uint32_t events;	/* what epoll looks for */
	struct bytes out;
	size_t sent;		/* bytes of out */
	size_t size;		/* bytes of in */
	char in[HTTP_HEAD_LIMIT];
};

struct server {
	int epoll, listener, signals;
	bool listening;		/* epoll looks at the listener */
	bool ending;
	int64_t ends_s;		/* when ending gives up waiting */
	const struct answer_source *source;
	struct tally *own;
	struct connection *connections;
	unsigned count;
	struct bytes body;	/* of one answer; kept for its room */
};

static int open_server(struct server *server, const sigset_t *end);
static void close_server(struct server *server);
static void loop(struct server *server);
static int watch(struct server *server, int descriptor, void *tag);
static void listen_again(struct server *server);
static void accept_all(struct server *server);
static void add_connection(struct server *server, int socket);
static void drop(struct server *server, struct connection *connection);
static void serve(struct server *server, struct connection *connection);
static bool receive(struct connection *connection);
static bool answer_all(struct server *server, struct connection *connection);
static void answer_one(struct server *server, struct connection *connection,
		       const struct http_request *request, int status);
static bool transmit(struct connection *connection);
static bool await(struct server *server, struct connection *connection);
static void begin_end(struct server *server);
static void sweep(struct server *server);
static int64_t now_s(void);

int
server_run(int listener, const sigset_t *end,
	   const struct answer_source *source, struct tally *own)
{
	struct server server = {
		.epoll = -1, .listener = listener, .signals = -1,
		.source = source, .own = own,
	};
	int result = open_server(&server, end);

	if (result == 0)
		loop(&server);
	close_server(&server);
	return result;
}

static int
open_server(struct server *server, const sigset_t *end)
{
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->signals = signalfd(-1, end, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->epoll < 0 || server->signals < 0 ||
	    watch(server, server->signals, &server->signals) < 0 ||
	    watch(server, server->listener, &server->listener) < 0)
		return -errno;
	server->listening = true;
	return 0;
}

static void
close_server(struct server *server)
{
	while (server->connections != NULL)
		drop(server, server->connections);
	bytes_free(&server->body);
	if (server->listener >= 0)
		close(server->listener);
	if (server->signals >= 0)
		close(server->signals);
	if (server->epoll >= 0)
		close(server->epoll);
}

/* Ends when told to and nobody waits for an answer any more. */
static void
loop(struct server *server)
{
	struct epoll_event events[EVENTS];
	int64_t swept_s = now_s();
	int i, count;

	while (!server->ending || server->connections != NULL) {
		count = epoll_wait(server->epoll, events, EVENTS, 500);
		for (i = 0; i < count; i++) {
			void *tag = events[i].data.ptr;

			if (tag == &server->listener)
				accept_all(server);
			else if (tag == &server->signals)
				begin_end(server);
			else
				serve(server, tag);
			/* Others of this batch may be gone now. */
			if (tag == &server->signals)
				break;
		}
		if (now_s() != swept_s) {
			swept_s = now_s();
			sweep(server);
		}
	}
}

static int
watch(struct server *server, int descriptor, void *tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = tag };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* After a time without room for more connections. */
static void
listen_again(struct server *server)
{
	if (!server->listening && !server->ending &&
	    watch(server, server->listener, &server->listener) == 0)
		server->listening = true;
}

static void
accept_all(struct server *server)
{
	int socket;

	while (server->count < CONNECTIONS_LIMIT) {
		socket = accept4(server->listener, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (socket < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (socket < 0 && errno == EAGAIN)
			return;
		if (socket < 0)
			break;
		add_connection(server, socket);
	}
	/* Full, or out of descriptors: new ones wait in the kernel's queue. */
	note(LOG_WARNING, "full", "connections=%u", server->count);
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
	server->listening = false;
}

static void
add_connection(struct server *server, int socket)
{
	struct connection *connection = malloc(sizeof(*connection));
	int one = 1;

	if (connection == NULL || watch(server, socket, connection) < 0) {
		free(connection);
		close(socket);
		return;
	}
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	memset(connection, 0, offsetof(struct connection, in));
	connection->socket = socket;
	connection->events = EPOLLIN;
	connection->active_s = now_s();
	connection->next = server->connections;
	connection->link = &server->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	server->connections = connection;
	server->count++;
}

static void
drop(struct server *server, struct connection *connection)
{
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	close(connection->socket);
	bytes_free(&connection->out);
	free(connection);
	server->count--;
	listen_again(server);
}

/* Does all that can be done for a connection without waiting. */
static void
serve(struct server *server, struct connection *connection)
{
	bool alive = connection->out.size != 0 || receive(connection);
	bool more = alive;

	while (alive && more) {
		more = answer_all(server, connection);
		alive = transmit(connection);
		more = more && connection->out.size == 0;
	}
	if (!alive || !await(server, connection))
		drop(server, connection);
}

/* Fills in; false if nothing will come and nothing is left to answer. */
static bool
receive(struct connection *connection)
{
	ssize_t got = 1;

	if (connection->lingering)
		connection->size = 0;
	while (got > 0 && connection->size < sizeof(connection->in)) {
		got = recv(connection->socket,
			   connection->in + connection->size,
			   sizeof(connection->in) - connection->size, 0);
		if (got > 0)
			connection->size += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	connection->ended = got == 0;
	if (connection->ended)
		return connection->size > 0 && !connection->lingering;
	return got > 0 || errno == EAGAIN;
}

/* True if it stopped because too much waits to be sent. */
static bool
answer_all(struct server *server, struct connection *connection)
{
	struct http_request request;
	size_t used = 0;
	long taken = 1;

	while (!connection->closing && taken > 0 &&
	       connection->out.size < OUT_LIMIT) {
		taken = http_parse(&request, connection->in + used,
				   connection->size - used);
		if (taken == 0)
			break;
		answer_one(server, connection, &request,
			   taken < 0 ? (int)-taken : 0);
		if (taken > 0)
			used += (size_t)taken;
	}
	connection->size -= used;
	memmove(connection->in, connection->in + used, connection->size);
	if (taken == 0 && connection->ended)
		connection->closing = true;
	return taken > 0 && !connection->closing;
}

/* status: 0, or that of a request that could not be parsed. */
static void
answer_one(struct server *server, struct connection *connection,
	   const struct http_request *request, int status)
{
	struct http_request asked = *request;
	struct bytes *body = &server->body;

	body->size = 0;
	if (status == 0)
		status = answer(server->source, request, body);
	if (body->failed)
		status = 500;
	if (status != 200) {
		bytes_free(body);
		bytes_format(body, "%d\n", status);
	}
	if (server->ending || (status != 200 && status != 404))
		asked.keep = false;
	http_answer(&connection->out, &asked, status, body->data, body->size);
	connection->closing = !asked.keep || connection->out.failed;
	connection->active_s = now_s();
	tally_add(status == 200 ? &server->own->answers :
		  &server->own->refusals);
}

/* Sends what it can of out; false if the connection is of no more use. */
static bool
transmit(struct connection *connection)
{
	struct bytes *out = &connection->out;
	ssize_t done = 0;

	while (connection->sent < out->size && done >= 0) {
		done = send(connection->socket, out->data + connection->sent,
			    out->size - connection->sent, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			done = 0;
		if (done > 0) {
			connection->sent += (size_t)done;
			connection->active_s = now_s();
		}
	}
	if (connection->sent < out->size)
		return errno == EAGAIN;
	connection->sent = out->size = 0;
	return !out->failed;
}

/*
 * Says what the connection waits for.  When we are done with it, our side is
 * shut and the rest of theirs read: closing a socket with unread bytes would
 * take the last answer away from the client.  False: close it.
 */
static bool
await(struct server *server, struct connection *connection)
{
	struct epoll_event event = { .data.ptr = connection };
	bool sending = connection->out.size != 0;

	if (connection->closing && !sending && !connection->lingering) {
		if (connection->ended ||
		    shutdown(connection->socket, SHUT_WR) < 0)
			return false;
		connection->lingering = true;
	}
	event.events = sending ? EPOLLOUT : EPOLLIN;
	if (event.events == connection->events)
		return true;
	connection->events = event.events;
	return epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->socket,
			 &event) == 0;
}

/* Takes in what has come already, then no more connections. */
static void
begin_end(struct server *server)
{
	struct connection *connection, *next;
	struct signalfd_siginfo signal;

	while (read(server->signals, &signal, sizeof(signal)) > 0)
		continue;
	if (server->ending)
		return;
	accept_all(server);
	close(server->listener);
	server->listener = -1;
	server->ending = true;
	server->ends_s = now_s() + LINGER_S;
	for (connection = server->connections; connection != NULL;
	     connection = next) {
		next = connection->next;
		serve(server, connection);
	}
	sweep(server);
}

/* Closes what has been silent too long; at the end, whatever is silent. */
static void
sweep(struct server *server)
{
	struct connection *connection, *next;
	int64_t now = now_s();

	for (connection = server->connections; connection != NULL;
	     connection = next) {
		int64_t silent_s = now - connection->active_s;
		bool idle = connection->size == 0 &&
			    connection->out.size == 0;

		next = connection->next;
		if (silent_s > IDLE_S ||
		    (connection->lingering && silent_s > LINGER_S) ||
		    (server->ending && (idle || now > server->ends_s)))
			drop(server, connection);
	}
	listen_again(server);
}

static int64_t
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

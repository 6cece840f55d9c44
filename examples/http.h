/* SPDX-License-Identifier: MIT */
/*
 * http.h - the part of HTTP/1.1 that a service without request bodies needs:
 * GET and HEAD, kept connections, pipelining.  Pure: bytes in, bytes out.
 *
 * Strict: what the grammar does not allow is answered with 400, and the
 * connection is closed behind every answer from 400 up but 404.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_LIMIT 8192u		/* bytes of one request */
#define HTTP_ID_LIMIT 64u		/* characters of X-Request-Id */

/* A growing run of bytes; failed is kept until the end. */
struct bytes {
	char *data;
	size_t size, room;
	bool failed;			/* out of memory at some point */
};

void bytes_free(struct bytes *bytes);
void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_format(struct bytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One request; the strings lie in the buffer that was parsed. */
struct http_request {
	bool head;			/* HEAD: everything but the body */
	bool keep;			/* the connection, after the answer */
	const char *target;
	size_t target_length;
	const char *id;			/* X-Request-Id, or NULL */
	size_t id_length;
};

/*
 * Parses the first request in size bytes of buffer.  Returns the bytes it
 * took, 0 if there are not enough yet, or the negative of the status to
 * answer.  request is set in each case: an answer can be made from it.
 */
long http_parse(struct http_request *request, const char *buffer, size_t size);

/* Adds an answer to out.  body is text of size characters. */
void http_answer(struct bytes *out, const struct http_request *request,
		 int status, const char *body, size_t size);

#endif

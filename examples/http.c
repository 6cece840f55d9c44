/* SPDX-License-Identifier: MIT */
/* http.c - requests and answers of HTTP/1.1. */
#include "http.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the header fields of one request said. */
struct fields {
	unsigned hosts;
	bool http_1_0, keep, close;
};

static int parse_head(struct http_request *request, const char *p,
		      const char *end);
static int parse_request_line(struct http_request *request,
			      struct fields *fields, const char *p,
			      const char *end);
static int parse_version(struct fields *fields, const char *p,
			 const char *end);
static int parse_field(struct http_request *request, struct fields *fields,
		       const char *p, const char *end);
static int take_field(struct http_request *request, struct fields *fields,
		      const char *name, size_t name_length,
		      const char *value, size_t length);
static void take_connection(struct fields *fields, const char *value,
			    size_t length);
static bool is_zero(const char *value, size_t length);
static bool is_id(const char *value, size_t length);
static bool is_word(const char *p, size_t length, const char *word);
static size_t token_length(const char *p, const char *end);
static bool is_visible(unsigned char c);
static const char *status_text(int status);

void
bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

void
bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	size_t room = bytes->room != 0 ? bytes->room : 512;
	char *grown;

	if (size > SIZE_MAX / 4 - bytes->size)
		bytes->failed = true;
	if (bytes->failed || size == 0)
		return;
	while (room < bytes->size + size)
		room *= 2;
	if (room != bytes->room) {
		grown = realloc(bytes->data, room);
		if (grown == NULL) {
			bytes->failed = true;
			return;
		}
		bytes->data = grown;
		bytes->room = room;
	}
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

void
bytes_format(struct bytes *bytes, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(text))
		bytes->failed = true;
	else
		bytes_add(bytes, text, (size_t)length);
}

long
http_parse(struct http_request *request, const char *buffer, size_t size)
{
	size_t limit = size < HTTP_HEAD_LIMIT ? size : HTTP_HEAD_LIMIT;
	const char *end;
	int status;

	*request = (struct http_request){ .keep = false };
	end = memmem(buffer, limit, "\r\n\r\n", 4);
	if (end == NULL)
		return size >= HTTP_HEAD_LIMIT ? -431 : 0;
	status = parse_head(request, buffer, end + 2);
	if (status != 0) {
		request->keep = false;
		return -status;
	}
	return end + 4 - buffer;
}

void
http_answer(struct bytes *out, const struct http_request *request, int status,
	    const char *body, size_t size)
{
	bytes_format(out, "HTTP/1.1 %d %s\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: %zu\r\n"
		     "Connection: %s\r\n", status, status_text(status), size,
		     request->keep ? "keep-alive" : "close");
	if (status == 405)
		bytes_format(out, "Allow: GET, HEAD\r\n");
	if (request->id != NULL)
		bytes_format(out, "X-Request-Id: %.*s\r\n",
			     (int)request->id_length, request->id);
	bytes_add(out, "\r\n", 2);
	if (!request->head)
		bytes_add(out, body, size);
}

/* [p, end): the request line and the fields, each with its CR LF. */
static int
parse_head(struct http_request *request, const char *p, const char *end)
{
	struct fields fields = { 0, false, false, false };
	const char *line_end = memmem(p, (size_t)(end - p), "\r\n", 2);
	int status = parse_request_line(request, &fields, p, line_end);

	while (status == 0 && line_end + 2 < end) {
		p = line_end + 2;
		line_end = memmem(p, (size_t)(end - p), "\r\n", 2);
		status = parse_field(request, &fields, p, line_end);
	}
	if (status == 0 && fields.hosts != 1 &&
	    !(fields.http_1_0 && fields.hosts == 0))
		status = 400;
	request->keep = !fields.close && (fields.keep || !fields.http_1_0);
	return status;
}

static int
parse_request_line(struct http_request *request, struct fields *fields,
		   const char *p, const char *end)
{
	size_t method = token_length(p, end);
	const char *target = p + method + 1;
	const char *q = target;
	int status;

	if (method == 0 || target > end || p[method] != ' ')
		return 400;
	while (q < end && is_visible((unsigned char)*q))
		q++;
	if (q == target || q == end || *q != ' ')
		return 400;
	status = parse_version(fields, q + 1, end);
	if (status != 0)
		return status;
	request->head = method == 4 && memcmp(p, "HEAD", 4) == 0;
	request->target = target;
	request->target_length = (size_t)(q - target);
	if (!request->head && !(method == 3 && memcmp(p, "GET", 3) == 0))
		return 405;
	return *target == '/' ? 0 : 400;
}

static int
parse_version(struct fields *fields, const char *p, const char *end)
{
	if (end - p != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' ||
	    p[5] < '0' || p[5] > '9' || p[7] < '0' || p[7] > '9')
		return 400;
	if (p[5] != '1')
		return 505;
	fields->http_1_0 = p[7] == '0';
	return 0;
}

/* "Name: value"; no space before the colon, no continued lines. */
static int
parse_field(struct http_request *request, struct fields *fields,
	    const char *p, const char *end)
{
	size_t name_length = token_length(p, end);
	const char *value = p + name_length + 1, *q;

	if (name_length == 0 || value > end || p[name_length] != ':')
		return 400;
	for (q = value; q < end; q++)
		if (!is_visible((unsigned char)*q) && *q != ' ' &&
		    *q != '\t' && (unsigned char)*q < 0x80)
			return 400;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return take_field(request, fields, p, name_length, value,
			  (size_t)(end - value));
}

/* A body would desynchronize a server that does not read it: refused. */
static int
take_field(struct http_request *request, struct fields *fields,
	   const char *name, size_t name_length, const char *value,
	   size_t length)
{
	if (is_word(name, name_length, "Host")) {
		fields->hosts++;
	} else if (is_word(name, name_length, "Connection")) {
		take_connection(fields, value, length);
	} else if (is_word(name, name_length, "Content-Length")) {
		if (!is_zero(value, length))
			return 400;
	} else if (is_word(name, name_length, "Transfer-Encoding")) {
		return 400;
	} else if (is_word(name, name_length, "X-Request-Id")) {
		if (!is_id(value, length))
			return 400;
		request->id = value;
		request->id_length = length;
	}
	return 0;
}

/* A list of words, and the field may come again; "close" wins. */
static void
take_connection(struct fields *fields, const char *value, size_t length)
{
	const char *p = value, *end = value + length;

	while (p < end) {
		size_t word = token_length(p, end);

		if (is_word(p, word, "close"))
			fields->close = true;
		else if (is_word(p, word, "keep-alive"))
			fields->keep = true;
		p += word != 0 ? word : 1;
	}
}

static bool
is_zero(const char *value, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (value[i] != '0')
			return false;
	return length > 0;
}

/* It is sent back, so it must not be able to end a line of the answer. */
static bool
is_id(const char *value, size_t length)
{
	return length > 0 && length <= HTTP_ID_LIMIT &&
	       token_length(value, value + length) == length;
}

static bool
is_word(const char *p, size_t length, const char *word)
{
	return strlen(word) == length && strncasecmp(p, word, length) == 0;
}

static size_t
token_length(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && is_visible((unsigned char)*p) &&
	       strchr("\"(),/:;<=>?@[\\]{}", *p) == NULL)
		p++;
	return (size_t)(p - start);
}

static bool
is_visible(unsigned char c)
{
	return c > 0x20 && c < 0x7f;
}

static const char *
status_text(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 431: return "Request Header Fields Too Large";
	case 505: return "HTTP Version Not Supported";
	default: return "Internal Server Error";
	}
}

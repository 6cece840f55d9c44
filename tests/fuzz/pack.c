/* SPDX-License-Identifier: MIT */
/* pack.c - see pack.h. */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#define RUN_LEAST 3		/* so many equal bytes are written as a run */
#define SEEN_RUN_LEAST 16	/* the same of bytes that can be seen */
#define WIDTH 72		/* longer lines are written in parts */
#define RUN_MOST (16ul << 20)
#define NAME_SIZE 64
#define HEX "0123456789abcdef"

/* The input that is being read. */
struct input {
	char name[NAME_SIZE];		/* "": none yet */
	enum pack_verdict verdict;
	uint8_t *data;
	size_t size, room;
};

bool
pack_is(const char *bytes, size_t size)
{
	return size >= strlen(PACK_HEAD) &&
	       memcmp(bytes, PACK_HEAD, strlen(PACK_HEAD)) == 0;
}

/* --- reading -------------------------------------------------------------- */

static void
add(struct input *input, uint8_t byte, size_t count)
{
	if (input->room - input->size < count) {
		input->room = (input->room + count) * 2;
		input->data = realloc(input->data, input->room);
		if (input->data == NULL)
			abort();
	}
	memset(input->data + input->size, byte, count);
	input->size += count;
}

static int
hex_digit(char digit)
{
	const char *place = digit == '\0' ? NULL : strchr(HEX, digit);

	return place == NULL ? -1 : (int)(place - HEX);
}

/* What stands behind a backslash: sets at behind it.  false: nonsense. */
static bool
read_escape(struct input *input, const char **at)
{
	unsigned long count = 1;
	int high, low;
	char *end;

	if (**at == '\\') {
		add(input, '\\', 1);
		++*at;
		return true;
	}
	if (**at >= '1' && **at <= '9') {
		count = strtoul(*at, &end, 10);
		*at = end;
	}
	if (count > RUN_MOST || **at != 'x' ||
	    (high = hex_digit((*at)[1])) < 0 || (low = hex_digit((*at)[2])) < 0)
		return false;
	*at += 3;
	add(input, (uint8_t)(high * 16 + low), count);
	return true;
}

/* line: what stands behind '|'. */
static bool
read_line(struct input *input, const char *line)
{
	while (*line != '\0') {
		if (*line != '\\') {
			add(input, (uint8_t)*line++, 1);
			continue;
		}
		if (*++line == '\0')
			return true;
		if (!read_escape(input, &line))
			return false;
	}
	add(input, '\n', 1);
	return true;
}

static void
finish(struct input *input, pack_found *found, void *context)
{
	const struct pack_input whole = { input->name, input->verdict,
					  input->data, input->size };

	if (input->name[0] != '\0')
		found(context, &whole);
	input->size = 0;
}

/* words: what stands behind "input ". */
static const char *
read_name(struct input *input, const char *words)
{
	size_t length = strcspn(words, " ");
	const char *verdict = words + length;

	if (length == 0 || length >= NAME_SIZE)
		return "a name is empty or too long";
	memcpy(input->name, words, length);
	input->name[length] = '\0';
	if (*verdict == '\0')
		input->verdict = PACK_UNSAID;
	else if (strcmp(verdict, " accepted") == 0)
		input->verdict = PACK_ACCEPTED;
	else if (strcmp(verdict, " refused") == 0)
		input->verdict = PACK_REFUSED;
	else
		return "a verdict is neither accepted nor refused";
	return NULL;
}

static const char *
read_lines(struct input *input, char *lines, pack_found *found, void *context)
{
	const char *problem;
	char *line;

	while ((line = strsep(&lines, "\n")) != NULL) {
		if (strncmp(line, "input ", 6) == 0) {
			finish(input, found, context);
			problem = read_name(input, line + 6);
			if (problem != NULL)
				return problem;
		} else if (line[0] == '|') {
			if (input->name[0] == '\0')
				return "a line stands before the first input";
			if (!read_line(input, line + 1))
				return "an escape is neither \\xNN nor \\\\";
		} else if (line[0] != '#' && line[0] != '\0') {
			return "a line begins with neither input, # nor |";
		}
	}
	finish(input, found, context);
	return input->name[0] == '\0' ? "it holds no input" : NULL;
}

const char *
pack_read(const char *bytes, size_t size, pack_found *found, void *context)
{
	struct input input = { .name = "" };
	char *lines = malloc(size + 1);
	const char *problem;

	if (lines == NULL)
		abort();
	memcpy(lines, bytes, size);
	lines[size] = '\0';
	problem = strlen(lines) != size ? "it holds a NUL byte" :
		read_lines(&input, lines, found, context);
	free(input.data);
	free(lines);
	return problem;
}

/* --- writing -------------------------------------------------------------- */

/* How many bytes from at on are the same. */
static size_t
run_length(const uint8_t *at, const uint8_t *end)
{
	size_t length = 1;

	while (at + length < end && at[length] == at[0] && length < RUN_MOST)
		length++;
	return length;
}

/* A blank at a line's end would not be seen. */
static bool
is_seen(const uint8_t *at, const uint8_t *end)
{
	if (*at == ' ')
		return at + 1 < end && at[1] != '\n';
	return *at > ' ' && *at < 0x7f && *at != '\\';
}

/* Writes what stands at a place.  Returns how many bytes that is, and adds to
 * width what it takes. */
static size_t
write_some(FILE *to, const uint8_t *at, const uint8_t *end, int *width)
{
	bool seen = is_seen(at, end);
	size_t run = run_length(at, end);

	if (run >= (seen ? SEEN_RUN_LEAST : RUN_LEAST)) {
		*width += fprintf(to, "\\%zux%02x", run, *at);
		return run;
	}
	if (seen)
		*width += fprintf(to, "%c", *at);
	else if (*at == '\\')
		*width += fprintf(to, "\\\\");
	else
		*width += fprintf(to, "\\x%02x", *at);
	return 1;
}

void
pack_write(FILE *to, const char *name, const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	int width = 0;

	fprintf(to, "input %s\n", name);
	while (at < end) {
		if (width == 0)
			width = fprintf(to, "|");
		if (*at == '\n') {
			fprintf(to, "\n");
			width = 0;
			at++;
			continue;
		}
		at += write_some(to, at, end, &width);
		if (at == end || (width >= WIDTH && *at != '\n')) {
			fprintf(to, "\\\n");
			width = 0;
		}
	}
}

/* SPDX-License-Identifier: MIT */
/* answer.c - from the path of a request to the text of its answer. */
#include "answer.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "checksum.h"
#include "search.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One kind of question; rest is what follows its prefix. */
struct route {
	const char *prefix;
	bool open;			/* something follows the prefix */
	int (*give)(const struct answer_source *source, const char *rest,
		    size_t length, struct bytes *body);
};

static int give_crc32(const struct answer_source *source, const char *rest,
		      size_t length, struct bytes *body);
static int give_count(const struct answer_source *source, const char *rest,
		      size_t length, struct bytes *body);
static int give_files(const struct answer_source *source, const char *rest,
		      size_t length, struct bytes *body);
static int give_stats(const struct answer_source *source, const char *rest,
		      size_t length, struct bytes *body);
static int give_health(const struct answer_source *source, const char *rest,
		       size_t length, struct bytes *body);
static void add_flag(struct bytes *body, const char *name,
		     const struct flag *flag);
static bool is_searchable(const char *word, size_t length);

static const struct route routes[] = {
	{ "/crc32/", true, give_crc32 },
	{ "/count/", true, give_count },
	{ "/files", false, give_files },
	{ "/stats", false, give_stats },
	{ "/health", false, give_health },
};

int
answer(const struct answer_source *source, const struct http_request *request,
       struct bytes *body)
{
	size_t i;

	for (i = 0; i < COUNT(routes); i++) {
		const struct route *route = &routes[i];
		size_t length = strlen(route->prefix);

		if (request->target_length < length ||
		    memcmp(request->target, route->prefix, length) != 0 ||
		    (!route->open && request->target_length != length))
			continue;
		return route->give(source, request->target + length,
				   request->target_length - length, body);
	}
	return 404;
}

static int
give_crc32(const struct answer_source *source, const char *rest,
	   size_t length, struct bytes *body)
{
	const struct corpus *corpus = source->corpus;
	const struct corpus_file *file = corpus_find(corpus, rest, length);

	if (file == NULL)
		return 404;
	bytes_format(body, "%08" PRIx32 "\n",
		     checksum(corpus->text + file->start, file->size));
	return 200;
}

static int
give_count(const struct answer_source *source, const char *rest,
	   size_t length, struct bytes *body)
{
	const struct corpus *corpus = source->corpus;

	if (!is_searchable(rest, length))
		return 400;
	bytes_format(body, "%zu\n", search_count(corpus->text, corpus->size,
						 rest, length));
	return 200;
}

static int
give_files(const struct answer_source *source, const char *rest,
	   size_t length, struct bytes *body)
{
	const struct corpus *corpus = source->corpus;
	size_t i;

	(void)rest;
	(void)length;
	for (i = 0; i < corpus->count; i++) {
		bytes_add(body, corpus->files[i].path,
			  strlen(corpus->files[i].path));
		bytes_add(body, "\n", 1);
	}
	return 200;
}

static int
give_stats(const struct answer_source *source, const char *rest,
	   size_t length, struct bytes *body)
{
	uint64_t answers, refusals;

	(void)rest;
	(void)length;
	tally_sum(source->tallies, &answers, &refusals);
	bytes_format(body, "answers %" PRIu64 "\nrefusals %" PRIu64 "\n"
		     "files %zu\nbytes %zu\n", answers, refusals,
		     source->corpus->count, source->corpus->size);
	add_flag(body, "checksum.slice8", &checksum_slice8);
	add_flag(body, "search.ends", &search_ends);
	return 200;
}

static int
give_health(const struct answer_source *source, const char *rest,
	    size_t length, struct bytes *body)
{
	(void)source;
	(void)rest;
	(void)length;
	bytes_add(body, "ok\n", 3);
	return 200;
}

static void
add_flag(struct bytes *body, const char *name, const struct flag *flag)
{
	char why[512];

	flag_explain(flag, why, sizeof(why));
	bytes_format(body, "%s %s\n", name, why);
}

static bool
is_searchable(const char *word, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_')
			return false;
	return length > 0 && length <= ANSWER_WORD_LIMIT;
}

/* SPDX-License-Identifier: MIT */
/* breaker_trace.c - see breaker_trace.h. */
#include "breaker_trace.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mechanism/breaker.h"

#define WORDS_MAX 64
#define ID_SIZE 32

struct kept {
	char id[ID_SIZE];
	uint64_t token;
};

/* What one step did. */
struct done {
	bool asked;			/* allow or enter: verdict is set */
	struct breaker_verdict verdict;
	const char *why;
	uint64_t ran;
	const char *err;
	unsigned events;
	struct breaker_event event;	/* the last one */
};

struct play {
	const char *name;
	unsigned line;
	FILE *complain;
	struct trace_totals *totals;
	char trace[ID_SIZE];

	struct breaker *breaker;	/* NULL before the first step */
	struct breaker_config config;
	struct breaker_moment at;
	bool in_trace, flag_on;
	struct kept *kept;
	size_t kept_count;
	struct done done;
};

static void FLAGP_PRINTF(2, 3)
fault(struct play *play, const char *format, ...)
{
	va_list arguments;

	play->totals->failed++;
	fprintf(play->complain, "%s:%u: %s: ", play->name, play->line,
		play->in_trace ? play->trace : "(no trace)");
	va_start(arguments, format);
	vfprintf(play->complain, format, arguments);
	va_end(arguments);
	fputc('\n', play->complain);
}

static void
heard(const struct breaker_event *event, void *data)
{
	struct play *play = data;

	play->done.events++;
	play->done.event = *event;
}

/* --- Words -----------------------------------------------------------------*/

/* Splits text at blanks, in place; more than WORDS_MAX is a fault. */
static int
split(struct play *play, char *text, char **words)
{
	char *save = NULL, *word = strtok_r(text, " \t\r\n", &save);
	int count = 0;

	for (; word != NULL; word = strtok_r(NULL, " \t\r\n", &save)) {
		if (count == WORDS_MAX) {
			fault(play, "more than %d words", WORDS_MAX);
			return -1;
		}
		words[count++] = word;
	}
	return count;
}

static bool
read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

/* A duration in milliseconds, or 0 where there is none. */
static bool
read_duration(int count, char **words, uint64_t *ns)
{
	double ms;
	char *end;

	*ns = 0;
	if (count == 0)
		return true;
	ms = strtod(words[0], &end);
	if (count > 1 || *end != '\0' || !(ms >= 0 && ms < 1e12))
		return false;
	*ns = (uint64_t)llround(ms * 1e6);
	return true;
}

/* --- Tokens ----------------------------------------------------------------*/

static uint64_t *
token_of(struct play *play, const char *id)
{
	struct kept *grown;
	size_t i;

	for (i = 0; i < play->kept_count; i++)
		if (strcmp(play->kept[i].id, id) == 0)
			return &play->kept[i].token;
	grown = realloc(play->kept, (i + 1) * sizeof(*grown));
	if (grown == NULL || strlen(id) >= ID_SIZE) {
		fprintf(stderr, "%s: no room\n", id);
		exit(2);
	}
	play->kept = grown;
	play->kept[i].token = 0;
	strcpy(play->kept[i].id, id);
	play->kept_count++;
	return &play->kept[i].token;
}

/* --- Operations ------------------------------------------------------------*/

static struct breaker_verdict
ask(struct play *play)
{
	struct breaker_verdict verdict = {
		.allowed = 1, .why = BREAKER_WHY_CLOSED
	};

	if (!flagp_breaker_allow_closed(play->breaker, &verdict.token))
		verdict = flagp_breaker_allow(play->breaker, play->at);
	play->done.why = flagp_breaker_why_name(verdict.why);
	return verdict;
}

static bool
report(struct play *play, const char *kind, uint64_t token, uint64_t ns)
{
	if (strcmp(kind, "ok") == 0)
		flagp_breaker_success(play->breaker, token, ns, play->at);
	else if (strcmp(kind, "fail") == 0)
		flagp_breaker_failure(play->breaker, token, ns, play->at);
	else if (strcmp(kind, "cancel") == 0)
		flagp_breaker_cancel(play->breaker, token, ns, play->at);
	else
		return false;
	return true;
}

static bool
op_allow(struct play *play, int count, char **words)
{
	if (count != 2)
		return false;
	play->done.asked = true;
	play->done.verdict = ask(play);
	*token_of(play, words[1]) = play->done.verdict.token;
	return true;
}

static bool
op_enter(struct play *play, int count, char **words)
{
	if (play->flag_on || count != 2)
		return op_allow(play, count, words);
	play->done.asked = true;
	play->done.why = "flag_off";
	*token_of(play, words[1]) = 0;
	return true;
}

static bool
op_result(struct play *play, int count, char **words)
{
	uint64_t ns;

	return count >= 2 && read_duration(count - 2, words + 2, &ns) &&
	       report(play, words[0], *token_of(play, words[1]), ns);
}

static bool
op_run(struct play *play, int count, char **words)
{
	struct breaker_verdict verdict;
	uint64_t times, ns;

	if (count < 3 || !read_number(words[1], &times) ||
	    !read_duration(count - 3, words + 3, &ns))
		return false;
	for (; times > 0; times--) {
		verdict = ask(play);
		if (!verdict.allowed)
			continue;
		play->done.ran++;
		if (!report(play, words[2], verdict.token, ns))
			return false;
	}
	return true;
}

static bool
op_verb(struct play *play, int count, char **words)
{
	if (count != 1)
		return false;
	if (strcmp(words[0], "trip") == 0)
		flagp_breaker_trip(play->breaker, play->at);
	else if (strcmp(words[0], "reset") == 0)
		flagp_breaker_reset(play->breaker, play->at);
	else if (strcmp(words[0], "poll") == 0)
		flagp_breaker_poll(play->breaker, play->at);
	else if (strcmp(words[0], "fork") == 0)
		flagp_breaker_child(play->breaker);
	else if (strcmp(words[0], "probe") == 0 &&
		 flagp_breaker_probe(play->breaker, play->at) == -EINVAL)
		play->done.err = "EINVAL";
	return true;
}

static bool
op_trip_for(struct play *play, int count, char **words)
{
	uint64_t ms;

	if (count != 2 || !read_number(words[1], &ms))
		return false;
	flagp_breaker_trip_for(play->breaker, ms, play->at);
	return true;
}

/* Sets key=value in config; false where it is not of this form. */
static bool
set_keys(struct breaker_config *config, int count, char **words,
	 struct breaker_problem *problem)
{
	uint64_t max;
	char *value;

	problem->key = NULL;
	for (; count > 0; count--, words++) {
		value = strchr(*words, '=');
		if (value == NULL)
			return false;
		*value++ = '\0';
		if (strcmp(*words, "bucket_max") == 0 &&
		    read_number(value, &max))
			config->bucket_max = max;
		else if (flagp_breaker_set(config, *words, value,
					   problem) != 0)
			return true;
	}
	return true;
}

static bool
op_configure(struct play *play, int count, char **words)
{
	bool reload = strcmp(words[0], "set") == 0;
	struct breaker_config config = play->config;
	struct breaker_problem problem;
	int failed;

	if (!reload)
		flagp_breaker_defaults(&config);
	if (count < 2 || !set_keys(&config, count - 1, words + 1, &problem))
		return false;
	failed = problem.key != NULL;
	if (!failed)
		failed = reload ? flagp_breaker_reload(play->breaker, &config,
						       play->at, &problem) :
				  flagp_breaker_check(&config, &problem);
	if (failed)
		play->done.err = problem.key;
	else if (reload)
		play->config = config;
	return true;
}

static bool
op_flag(struct play *play, int count, char **words)
{
	if (count != 2 || (strcmp(words[1], "on") != 0 &&
			   strcmp(words[1], "off") != 0))
		return false;
	play->flag_on = words[1][1] == 'n';
	return true;
}

static bool
op_rng(struct play *play, int count, char **words)
{
	uint64_t draw;

	if (count != 2 || !read_number(words[1], &draw) || draw > UINT32_MAX)
		return false;
	play->at.draw = (uint32_t)draw;
	return true;
}

static bool
op_stat(struct play *play, int count, char **words)
{
	(void)play;
	(void)words;
	return count == 1;
}

static const struct {
	const char *name;
	bool (*act)(struct play *play, int count, char **words);
} operations[] = {
	{ "allow", op_allow }, { "enter", op_enter }, { "ok", op_result },
	{ "fail", op_result }, { "cancel", op_result }, { "run", op_run },
	{ "trip", op_verb }, { "reset", op_verb }, { "probe", op_verb },
	{ "poll", op_verb }, { "fork", op_verb }, { "trip_for", op_trip_for },
	{ "set", op_configure }, { "badcfg", op_configure },
	{ "flag", op_flag }, { "rng", op_rng }, { "stat", op_stat },
};

static bool
act(struct play *play, int count, char **words)
{
	size_t i;

	play->done = (struct done) { .why = "-", .err = "none" };
	for (i = 0; count > 0 && i < FLAGP_COUNT(operations); i++)
		if (strcmp(words[0], operations[i].name) == 0)
			return operations[i].act(play, count, words);
	return false;
}

/* --- Expectations ----------------------------------------------------------*/

static uint64_t
counter(const struct done *done, const struct breaker_stat *stat,
	const char *key, bool *known)
{
	const struct {
		const char *key;
		uint64_t value;
	} counters[] = {
		{ "retry", done->verdict.retry_ms }, { "ran", done->ran },
		{ "nev", done->events }, { "calls", stat->sums.calls },
		{ "failed", stat->sums.failed }, { "slow", stat->sums.slow },
		{ "consec", stat->run }, { "attempt", stat->attempt },
		{ "inflight", stat->inflight }, { "late", stat->late },
		{ "lost", stat->lost }, { "would", stat->would },
		{ "denied", stat->denied }, { "dropped", stat->dropped },
	};
	size_t i;

	for (i = 0; i < FLAGP_COUNT(counters); i++)
		if (strcmp(key, counters[i].key) == 0)
			break;
	*known = i < FLAGP_COUNT(counters);
	return *known ? counters[i].value : 0;
}

/* What is seen under key, as the trace would write it; false: no such key. */
static bool
see(const struct play *play, const struct breaker_stat *stat, const char *key,
    char *text, size_t size)
{
	const struct done *done = &play->done;
	const struct breaker_event *event = &done->event;
	uint64_t value;
	bool known;

	if (strcmp(key, "why") == 0) {
		snprintf(text, size, "%s", done->why);
	} else if (strcmp(key, "err") == 0) {
		snprintf(text, size, "%s", done->err);
	} else if (strcmp(key, "state") == 0) {
		snprintf(text, size, "%s",
			 flagp_breaker_state_name(stat->state));
	} else if (strcmp(key, "ev") == 0 && done->events == 0) {
		snprintf(text, size, "none");
	} else if (strcmp(key, "ev") == 0) {
		snprintf(text, size, "%s>%s:%s",
			 flagp_breaker_state_name(event->from),
			 flagp_breaker_state_name(event->to),
			 flagp_breaker_reason_name(event->reason));
	} else {
		value = counter(done, stat, key, &known);
		if (!known)
			return false;
		snprintf(text, size, "%llu", (unsigned long long)value);
		if (strcmp(key, "retry") == 0 && value == BREAKER_NEVER)
			snprintf(text, size, "never");
	}
	return true;
}

static void
expect_answer(struct play *play, bool yes)
{
	if (!play->done.asked)
		fault(play, "yes or no, but nothing was asked");
	else if (yes != (play->done.verdict.allowed != 0))
		fault(play, "%s expected, it is %s (%s)", yes ? "yes" : "no",
		      yes ? "no" : "yes", play->done.why);
	else
		play->totals->passed++;
}

static void
expect(struct play *play, const struct breaker_stat *stat, char *word)
{
	char *value = strchr(word, '='), seen[128];

	if (strcmp(word, "yes") == 0 || strcmp(word, "no") == 0) {
		expect_answer(play, word[0] == 'y');
		return;
	}
	if (value == NULL) {
		fault(play, "%s: no such expectation", word);
		return;
	}
	*value++ = '\0';
	if (!see(play, stat, word, seen, sizeof(seen)))
		fault(play, "%s=: no such expectation", word);
	else if (strcmp(seen, value) != 0)
		fault(play, "%s=%s expected, it is %s", word, value, seen);
	else
		play->totals->passed++;
}

/* --- Lines -----------------------------------------------------------------*/

static void
end_trace(struct play *play)
{
	flagp_breaker_free(play->breaker);
	free(play->kept);
	play->breaker = NULL;
	play->kept = NULL;
	play->kept_count = 0;
	play->in_trace = false;
}

static void
begin_trace(struct play *play, int count, char **words)
{
	end_trace(play);
	if (count < 2) {
		fault(play, "a trace without ID");
		return;
	}
	play->in_trace = true;
	play->flag_on = true;
	play->at = (struct breaker_moment) { 0, 0, 0 };
	snprintf(play->trace, sizeof(play->trace), "%s", words[1]);
	flagp_breaker_defaults(&play->config);
	play->totals->traces++;
}

static void
configure(struct play *play, int count, char **words)
{
	struct breaker_problem problem;

	if (play->breaker != NULL)
		fault(play, "cfg after the first step");
	else if (!set_keys(&play->config, count - 1, words + 1, &problem))
		fault(play, "cfg: not key=value");
	else if (problem.key != NULL)
		fault(play, "cfg: %s %s", problem.key, problem.rule);
}

static bool
make(struct play *play)
{
	struct breaker_problem problem;

	if (play->breaker != NULL)
		return true;
	play->breaker = flagp_breaker_new(&play->config, 1, 0, &problem);
	if (play->breaker == NULL) {
		fault(play, "cfg: %s %s", problem.key, problem.rule);
		return false;
	}
	flagp_breaker_listen(play->breaker, heard, play);
	return true;
}

static void
step(struct play *play, int count, char **words)
{
	struct breaker_stat stat;
	int operation = 1;

	while (operation < count && strcmp(words[operation], "->") != 0)
		operation++;
	if (!make(play))
		return;
	if (!read_number(words[0], &play->at.ms) ||
	    !act(play, operation - 1, words + 1)) {
		fault(play, "a step that cannot be read");
		return;
	}
	flagp_breaker_read(play->breaker, play->at.ms, &stat);
	for (count -= operation + 1, words += operation + 1; count > 0;
	     count--, words++)
		expect(play, &stat, *words);
}

/* Cuts off a comment: a '#' that begins a word. */
static void
cut_comment(char *line)
{
	char *at;

	for (at = line; *at != '\0'; at++)
		if (*at == '#' && (at == line || at[-1] == ' ' ||
				   at[-1] == '\t')) {
			*at = '\0';
			return;
		}
}

static bool
is_for_people(const char *line)
{
	return strncmp(line, "src", 3) == 0 || strncmp(line, "note", 4) == 0;
}

static void
play_line(struct play *play, char *line)
{
	char *words[WORDS_MAX];
	int count;

	line += strspn(line, " \t");
	if (is_for_people(line))
		return;
	cut_comment(line);
	count = split(play, line, words);
	if (count <= 0)
		return;
	if (strcmp(words[0], "trace") == 0)
		begin_trace(play, count, words);
	else if (!play->in_trace)
		fault(play, "a line outside of a trace");
	else if (strcmp(words[0], "cfg") == 0)
		configure(play, count, words);
	else
		step(play, count, words);
}

void
trace_play(FILE *file, const char *name, FILE *complain,
	   struct trace_totals *totals)
{
	struct play play = {
		.name = name, .complain = complain, .totals = totals
	};
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		play.line++;
		play_line(&play, line);
	}
	end_trace(&play);
	free(line);
}

/* SPDX-License-Identifier: MIT */
/*
 * fuzz_history.c - the history: what stands in its file, whatever it is.
 *
 * A line that begins with '*' is the first of a record, up to the next one of
 * those or a digit, and gets its right frame: no fuzzer would find it.  All
 * else stands in the file as it is; an older file has one change.  Both
 * directions give the same; what they give keeps every promise of history.h
 * and is written so that it reads as the same; and what is appended then loses
 * nothing of it.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/history.h"
#include "store/history_line.h"

#define CHANGES 512

/* The file that an input stands for. */
static void
complete(struct text *file, const char *data, size_t size)
{
	const char *at = data, *end = data + size, *line, *newline;
	struct text body = TEXT_INIT;

	while (at < end) {
		line = at;
		do {
			newline = memchr(at, '\n', (size_t)(end - at));
			at = newline == NULL ? end : newline + 1;
		} while (*line == '*' && at < end && *at != '*' &&
			 (*at < '0' || *at > '9'));
		if (*line == '*') {
			body.size = 0;
			flagp_text_add_bytes(&body, line + 1,
					     (size_t)(at - line - 1) -
					     (at[-1] == '\n'));
			flagp_history_add_record(file, &body);
		} else {
			flagp_text_add_bytes(file, line, (size_t)(at - line));
		}
	}
	flagp_text_free(&body);
	FUZZ_CHECK(!file->failed);
}

/* --- what was read -------------------------------------------------------- */

static bool
is_share(uint32_t share)
{
	return share <= FLAGP_SHARE_ALL || share == FLAGP_SHARE_NONE;
}

static void
check_override(const struct history_override *override)
{
	FUZZ_CHECK(is_share(override->share) && is_share(override->base));
	FUZZ_CHECK(override->generation <= WORDS_GENERATION_MAX);
	FUZZ_CHECK(override->until >= 0);
	fuzz_check_text(override->boot, sizeof(override->boot));
}

static void
check_flag(const struct history_flag *flag)
{
	FUZZ_CHECK(flagp_text_is_name(flag->name));
	check_override(&flag->was);
	check_override(&flag->now);
	FUZZ_CHECK(is_share(flag->before) && is_share(flag->after));
	fuzz_check_text(flag->set_was.value, sizeof(flag->set_was.value));
	fuzz_check_text(flag->set_was.from, sizeof(flag->set_was.from));
	fuzz_check_text(flag->set_now.value, sizeof(flag->set_now.value));
	fuzz_check_text(flag->set_now.from, sizeof(flag->set_now.from));
}

static void
check_change(const struct history_change *change)
{
	FUZZ_CHECK(change->generation > 0);
	FUZZ_CHECK(change->generation <= WORDS_GENERATION_MAX);
	FUZZ_CHECK(change->at >= 0 && change->author.pid >= 0);
	fuzz_check_text(change->verb, sizeof(change->verb));
	fuzz_check_text(change->by, sizeof(change->by));
	fuzz_check_text(change->author.user, sizeof(change->author.user));
	fuzz_check_text(change->author.tty, sizeof(change->author.tty));
	fuzz_check_text(change->author.reason, sizeof(change->author.reason));
	fuzz_check_text(change->sudo_user, sizeof(change->sudo_user));
	fuzz_check_text(change->ticket, sizeof(change->ticket));
	fuzz_check_text(change->evidence, sizeof(change->evidence));
}

/* What is written of a line reads as the same. */
static void
check_again(const struct text *first, enum history_kind kind)
{
	char *copy = fuzz_copy(first->data, first->size + 1);
	struct text second = TEXT_INIT;
	struct history_line line;

	flagp_history_read_line(&line, copy);
	FUZZ_CHECK(line.kind == kind);
	if (kind == HISTORY_LINE_CHANGE)
		flagp_history_add_change(&second, &line.change);
	else
		flagp_history_add_flag(&second, &line.flag);
	FUZZ_CHECK(strcmp(first->data, second.data) == 0);
	flagp_text_free(&second);
	free(copy);
}

static unsigned
check_flags(struct history *history)
{
	struct text text = TEXT_INIT;
	struct history_flag flag;
	unsigned count = 0;

	while (flagp_history_flag(history, &flag) == 1) {
		check_flag(&flag);
		text.size = 0;
		flagp_history_add_flag(&text, &flag);
		check_again(&text, HISTORY_LINE_FLAG);
		count++;
	}
	flagp_text_free(&text);
	return count;
}

static void
check_copy(struct history *history, const struct history_change *change)
{
	struct history_draft draft;
	int result;

	fuzz_starve(0);
	result = flagp_history_copy(history, &draft);
	if (fuzz_fed())
		FUZZ_CHECK(result == -FLAG_ENOMEM);
	flagp_history_drop(&draft);
	FUZZ_CHECK(flagp_history_copy(history, &draft) == 0);
	FUZZ_CHECK(draft.change.generation == change->generation);
	flagp_history_drop(&draft);
}

/* The generations in one direction; their number. */
static size_t
list(struct history *history, enum history_order order,
     uint64_t generations[CHANGES])
{
	struct text text = TEXT_INIT;
	struct history_change change;
	size_t count = 0;

	flagp_history_seek(history, order, NULL);
	while (count < CHANGES && flagp_history_next(history, &change)) {
		check_change(&change);
		FUZZ_CHECK(check_flags(history) == change.flags);
		check_copy(history, &change);
		text.size = 0;
		flagp_history_add_change(&text, &change);
		check_again(&text, HISTORY_LINE_CHANGE);
		generations[count++] = change.generation;
	}
	flagp_text_free(&text);
	return count;
}

/* --- questions ------------------------------------------------------------ */

static void
check_questions(struct history *history, uint64_t generation)
{
	const struct history_filter filter = {
		.flag = "a", .since = 1, .from = 1, .to = generation,
		.persons = true
	};
	struct history_change change;
	struct history_state state;

	FUZZ_CHECK(flagp_history_find(history, generation, &change));
	FUZZ_CHECK(change.generation == generation);
	FUZZ_CHECK(flagp_history_newest(history) > 0);
	if (flagp_history_state_after(history, generation, "a", &state) == 1)
		check_override(&state.override);
	flagp_history_state_after(history, 0, "a", &state);
	flagp_history_seek(history, HISTORY_OLDEST_FIRST, &filter);
	while (flagp_history_next(history, &change))
		FUZZ_CHECK(change.generation <= generation &&
			   strcmp(change.by, HISTORY_PERSON) == 0);
}

/* Reads all; the number of changes. */
static size_t
read_all(void)
{
	uint64_t forward[CHANGES], back[CHANGES];
	struct history_seen seen, again;
	struct history *history;
	size_t count, i;

	FUZZ_CHECK(flagp_history_open(&history, fuzz_folder(), NULL) == 0);
	count = list(history, HISTORY_OLDEST_FIRST, forward);
	seen = flagp_history_seen(history);
	FUZZ_CHECK(count == CHANGES ||
		   list(history, HISTORY_NEWEST_FIRST, back) == count);
	again = flagp_history_seen(history);
	FUZZ_CHECK(count == CHANGES || (seen.damaged == again.damaged &&
					seen.torn == again.torn));
	for (i = 0; count < CHANGES && i < count; i++)
		FUZZ_CHECK(forward[i] == back[count - 1 - i]);
	if (count > 0)
		check_questions(history, forward[0]);
	flagp_history_close(history);
	return count;
}

/* --- appending ------------------------------------------------------------ */

/* Appends a change that no input has. */
static int
append(struct flag_error *error)
{
	const struct history_how how = { .recovered = true };
	struct history_change change = flagp_history_no_change;
	struct history_flag flag = flagp_history_no_flag;
	struct history_draft draft;
	int result;

	change.generation = WORDS_GENERATION_MAX;
	change.at = 253402300799;
	strcpy(change.verb, "of.fuzz");
	strcpy(flag.name, "a");
	flagp_history_begin(&draft, &change);
	flagp_history_add(&draft, &flag);
	result = flagp_history_append(&draft, fuzz_folder(), &how, error);
	flagp_history_drop(&draft);
	return result;
}

static void
check_append(size_t count, uint64_t hash)
{
	struct flag_error error = { 0 };
	int result;

	fuzz_starve((unsigned)(hash % 12));
	result = append(&error);
	if (fuzz_fed()) {
		FUZZ_CHECK(result == -ENOMEM);
		fuzz_check_error(&error, FLAG_ENOMEM, HISTORY_NAME, 0);
		FUZZ_CHECK(read_all() == count);
		result = append(NULL);
	}
	if (result == -EROFS) {
		FUZZ_CHECK(read_all() == count);
		return;
	}
	FUZZ_CHECK(result == 0 || result == HISTORY_THERE);
	FUZZ_CHECK(count == CHANGES ||
		   read_all() == count + (result == 0));
	FUZZ_CHECK(append(NULL) == HISTORY_THERE);
}

/* No file, no record. */
static void
check_no_file(void)
{
	struct history *history;

	FUZZ_CHECK(unlinkat(fuzz_folder(), HISTORY_NAME, 0) == 0);
	FUZZ_CHECK(unlinkat(fuzz_folder(), HISTORY_NAME ".1", 0) == 0);
	FUZZ_CHECK(read_all() == 0);
	fuzz_starve(0);
	FUZZ_CHECK(flagp_history_open(&history, fuzz_folder(), NULL) ==
		   -FLAG_ENOMEM);
	FUZZ_CHECK(fuzz_fed());
	flagp_history_close(history);
}

bool
fuzz_history(const uint8_t *data, size_t size)
{
	static const char old[] = "*ripcord history 1\n*change generation=1 "
		"at=2026-11-22T02:10:52Z flags=1\nflag a was=on now=off";
	struct text file = TEXT_INIT, older = TEXT_INIT;
	size_t count;

	complete(&file, (const char *)data, size);
	complete(&older, old, sizeof(old) - 1);
	fuzz_put(HISTORY_NAME, file.data, file.size);
	fuzz_put(HISTORY_NAME ".1", older.data, older.size);
	count = read_all();
	FUZZ_CHECK(count > 0);
	check_append(count, fuzz_hash(data, size));
	check_no_file();
	flagp_text_free(&file);
	flagp_text_free(&older);
	return count > 1;
}

FUZZ_TARGET(fuzz_history)

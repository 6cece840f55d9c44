/* SPDX-License-Identifier: MIT */
/*
 * fuzz_panic.c - live/PANIC: flagp_record_panic().
 *
 * The input is the file.  Whatever stands in it, it is a panic; what it says
 * of itself keeps every promise of record.h, and is written so that it reads
 * as the same.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/record.h"
#include "store/words.h"

static void
check_panic(const struct record_panic *panic)
{
	FUZZ_CHECK(panic->on);
	FUZZ_CHECK(panic->generation > 0);
	FUZZ_CHECK(panic->generation <= WORDS_GENERATION_MAX);
	FUZZ_CHECK(panic->at >= 0);
	FUZZ_CHECK(panic->author.pid >= 0);
	fuzz_check_text(panic->author.user, sizeof(panic->author.user));
	fuzz_check_text(panic->author.tty, sizeof(panic->author.tty));
	fuzz_check_text(panic->author.reason, sizeof(panic->author.reason));
}

static void
check_same(const struct record_panic *a, const struct record_panic *b)
{
	FUZZ_CHECK(a->on == b->on);
	FUZZ_CHECK(a->generation == b->generation);
	FUZZ_CHECK(a->at == b->at);
	FUZZ_CHECK(a->author.uid == b->author.uid);
	FUZZ_CHECK(a->author.login_uid == b->author.login_uid);
	FUZZ_CHECK(a->author.pid == b->author.pid);
	FUZZ_CHECK(strcmp(a->author.user, b->author.user) == 0);
	FUZZ_CHECK(strcmp(a->author.tty, b->author.tty) == 0);
	FUZZ_CHECK(strcmp(a->author.reason, b->author.reason) == 0);
}

/* Without memory a panic is still one, and one that cannot be written leaves
 * the one that stands. */
static void
check_starved(const struct record_panic *said, uint64_t hash)
{
	struct record_panic other = *said, panic;
	int folder = fuzz_folder(), result;

	fuzz_starve((unsigned)(hash % 2));
	flagp_record_panic(&panic, folder);
	if (!fuzz_fed())
		check_same(said, &panic);
	check_panic(&panic);
	other.generation = said->generation == 1 ? 2 : 1;
	fuzz_starve((unsigned)(hash / 2 % 4));
	result = flagp_record_panic_write(&other, folder, false);
	if (fuzz_fed())
		FUZZ_CHECK(result == -ENOMEM);
	else
		FUZZ_CHECK(result == 0);
	flagp_record_panic(&panic, folder);
	check_same(result == 0 ? &other : said, &panic);
	/* No number that nobody could read again. */
	other.generation = WORDS_GENERATION_MAX + 1;
	FUZZ_CHECK(flagp_record_panic_write(&other, folder, false) == 0);
	flagp_record_panic(&panic, folder);
	FUZZ_CHECK(panic.generation == 1);
	flagp_record_panic(&panic, -1);
	FUZZ_CHECK(!panic.on);
}

bool
fuzz_panic(const uint8_t *data, size_t size)
{
	struct record_panic panic, again;
	int folder = fuzz_folder();

	fuzz_put(RECORD_PANIC_NAME, data, size);
	flagp_record_panic(&panic, folder);
	check_panic(&panic);
	flagp_record_panic(&again, folder);
	check_same(&panic, &again);
	FUZZ_CHECK(flagp_record_panic_write(&panic, folder, false) == 0);
	flagp_record_panic(&again, folder);
	check_panic(&again);
	check_same(&panic, &again);
	check_starved(&panic, fuzz_hash(data, size));
	FUZZ_CHECK(unlinkat(folder, RECORD_PANIC_NAME, 0) == 0);
	flagp_record_panic(&again, folder);
	FUZZ_CHECK(!again.on);
	/* That of a file made by hand is 1. */
	return panic.generation != 1;
}

FUZZ_TARGET(fuzz_panic)

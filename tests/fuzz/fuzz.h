/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is a function that hands some bytes to one parser and stops the
 * program where the outcome is not one that the parser's header allows.  The
 * same functions run under a coverage-guided fuzzer (tests/fuzz/run) and, with
 * the inputs that it found, in "make check" (tests/fuzz-replay).
 *
 * One more parser: its name below, fuzz_NAME.c in Makefile.am, some inputs in
 * corpus/NAME/seeds, its words in words/NAME, its files in coverage.  Then
 * "./dev fuzz NAME" finds the others.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ripcord.h"

/* Whether the parser accepted the input; does not return where something is
 * wrong. */
typedef bool fuzz_target(const uint8_t *data, size_t size);

/* All of them, by the name of the parser. */
#define FUZZ_TARGETS(target) \
	target(breaker) \
	target(conf) \
	target(elf) \
	target(environment) \
	target(history) \
	target(list) \
	target(panic) \
	target(proc) \
	target(record) \
	target(text) \
	target(value)

#define FUZZ_DECLARE(name) fuzz_target fuzz_##name;
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

/* A program of the fuzzer has one target, called as the fuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FUZZ_ALONE
#define FUZZ_TARGET(target) \
	int \
	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{ \
		target(data, size); \
		return 0; \
	}
#else
#define FUZZ_TARGET(target)
#endif

/* Stops the program, and says what is wrong. */
#define FUZZ_CHECK(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

void fuzz_fail(const char *file, int line, const char *condition)
	__attribute__((__noreturn__));

/*
 * A copy with nothing in front of it or behind it that may be read: a
 * sanitizer sees a parser that looks further.  Free it.
 */
char *fuzz_copy(const void *data, size_t size);

/* A number made of the input: what it decides, it decides each time. */
uint64_t fuzz_hash(const void *data, size_t size);

/*
 * From here on one allocation of the parser fails, that of this number; the
 * first is 0.  fuzz_fed() ends that, and says whether one has failed.
 */
void fuzz_starve(unsigned number);
bool fuzz_fed(void);

/* Checks a text that people will see: ended, one line, no control character
 * among its ASCII. */
void fuzz_check_text(const char *text, size_t room);

/* Checks that a refusal has that code and says something, of that file (NULL:
 * of none) and, unless it is 0, of a line up to lines. */
void fuzz_check_error(const struct flag_error *error, int code,
		      const char *file, unsigned lines);

/* Lines of a text, the one that has no newline included. */
unsigned fuzz_lines(const char *text, size_t size);

/* The folder of this process for parsers that read files: open, made at the
 * first call and gone at exit. */
int fuzz_folder(void);

/* Writes a file into it. */
void fuzz_put(const char *name, const void *data, size_t size);

/* The path of a file in it, until the next call. */
const char *fuzz_path(const char *name);

#endif

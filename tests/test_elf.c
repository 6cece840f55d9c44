/* SPDX-License-Identifier: MIT */
/*
 * test_elf.c - flags out of ELF images, and images that lie.
 *
 * The image is made by hand, so that each number of it can be a hostile one;
 * those that compilers and linkers make are read in tests/cli/lint.sh.
 */
#include "flagctl/elf.h"

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define BASE 0x10000u			/* where byte 0 is loaded */
#define LONG_SUMMARY 300
#define LONG_TEXT 5000			/* more than is judged of a text */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

struct flag_in_file {
	uint32_t size, version;
	uint64_t cell, name, summary, owner;
	uint32_t bits, reserved;
};

struct tunable_in_file {
	struct flag_in_file definition;
	uint32_t type, reserved;
	uint64_t tunable;
	int64_t integers[3];
	double reals[3];
	uint64_t text;
};

enum { NONE, NAMES, TABLE, INDEX, SECTIONS };

/* A program of two flags and a tunable, relocated by a table; nothing follows
 * it. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[SECTIONS];
	Elf64_Rela table[3];
	uint64_t index[3];
	struct flag_in_file flags[2];
	struct tunable_in_file tunable;
	char names[32];
	char first[8], second[8], third[8], owner[8], text[16];
	char summary[LONG_SUMMARY + 4], long_text[LONG_TEXT + 8];
};

#define AT(field) (BASE + offsetof(struct program, field))

static void
fill_headers(struct program *program)
{
	static const unsigned char identity[EI_NIDENT] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, OWN_ORDER,
		EV_CURRENT,
	};

	memcpy(program->header.e_ident, identity, sizeof(identity));
	program->header.e_type = ET_DYN;
	program->header.e_machine = EM_X86_64;
	program->header.e_phoff = offsetof(struct program, segment);
	program->header.e_phnum = 1;
	program->header.e_phentsize = sizeof(Elf64_Phdr);
	program->header.e_shoff = offsetof(struct program, sections);
	program->header.e_shnum = SECTIONS;
	program->header.e_shentsize = sizeof(Elf64_Shdr);
	program->header.e_shstrndx = NAMES;
	program->segment.p_type = PT_LOAD;
	program->segment.p_vaddr = BASE;
	program->segment.p_filesz = sizeof(*program);
}

static void
fill_sections(struct program *program)
{
	Elf64_Shdr *names = &program->sections[NAMES];
	Elf64_Shdr *table = &program->sections[TABLE];
	Elf64_Shdr *index = &program->sections[INDEX];

	memcpy(program->names, "\0.rela.dyn\0flag_index", 22);
	names->sh_type = SHT_STRTAB;
	names->sh_offset = offsetof(struct program, names);
	names->sh_size = sizeof(program->names);
	table->sh_name = 1;
	table->sh_type = SHT_RELA;
	table->sh_flags = SHF_ALLOC;
	table->sh_offset = offsetof(struct program, table);
	table->sh_size = sizeof(program->table);
	index->sh_name = 11;
	index->sh_type = SHT_PROGBITS;
	index->sh_flags = SHF_ALLOC | SHF_WRITE;
	index->sh_addr = AT(index);
	index->sh_offset = offsetof(struct program, index);
	index->sh_size = sizeof(program->index);
}

static void
fill_tunable(struct program *program, enum flag_type type)
{
	program->tunable = (struct tunable_in_file){
		.definition = {
			.size = sizeof(program->tunable), .version = 1,
			.name = AT(third), .summary = AT(summary),
			.bits = FLAG_TUNABLE_,
		},
		.type = type,
		.integers = { 5, 1, 9 },
		.reals = { 0.5, 0, 1 },
		.text = AT(text),
	};
	strcpy(program->third, "c.three");
	strcpy(program->text, "lru");
	memset(program->long_text, 'l', LONG_TEXT);
}

static void
fill(struct program *program)
{
	memset(program, 0, sizeof(*program));
	fill_headers(program);
	fill_sections(program);
	fill_tunable(program, FLAG_TYPE_STRING);
	for (int i = 0; i < 3; i++) {
		program->table[i].r_offset = AT(index) + (uint64_t)i * 8;
		program->table[i].r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
	}
	for (int i = 0; i < 2; i++) {
		program->flags[i].size = sizeof(program->flags[i]);
		program->flags[i].version = 1;
		program->flags[i].summary = AT(summary);
	}
	program->table[0].r_addend = AT(flags[0]);
	program->table[1].r_addend = AT(flags[1]);
	program->table[2].r_addend = AT(tunable);
	program->flags[0].name = AT(first);
	program->flags[1].name = AT(second);
	program->flags[1].owner = AT(owner);
	program->flags[1].bits = FLAG_INITIAL_ON;
	strcpy(program->first, "b.two");
	strcpy(program->second, "a.one");
	strcpy(program->owner, "team");
	memset(program->summary, 's', LONG_SUMMARY);
}

/* Parses a copy of the first size bytes.  A refusal has a text and adds
 * nothing. */
static int
parse(struct elf *elf, const struct program *program, size_t size,
      struct flag_error *error)
{
	/* Not a byte more, so that ASan sees one that is read behind it. */
	struct text image = { .data = malloc(size + 1), .size = size };
	size_t before = elf->count;
	int result;

	*error = (struct flag_error){ 0 };
	ck_assert_ptr_nonnull(image.data);
	image.data[size] = '\0';
	memcpy(image.data, program, size);
	result = flagp_elf_parse(elf, "program", &image, error);
	if (result == 0) {
		ck_assert_uint_ge(elf->count, 1);
	} else {
		ck_assert_int_eq(error->code, -result);
		ck_assert_str_eq(error->file, "program");
		ck_assert(error->text[0] != '\0');
		ck_assert_uint_eq(elf->count, before);
	}
	flagp_text_free(&image);
	return result;
}

static void
reads(const struct program *program)
{
	struct flag_error error;
	struct elf elf = { 0 };
	const struct elf_flag *flag;

	ck_assert_msg(parse(&elf, program, sizeof(*program), &error) == 0,
		      "%s", error.text);
	ck_assert_uint_eq(elf.count, 3);
	ck_assert_uint_eq(flagp_elf_tunables(&elf), 1);
	ck_assert(elf.flags[2].tunable);
	flag = flagp_elf_find(&elf, "a.one");
	ck_assert_ptr_eq(flag, &elf.flags[0]);
	ck_assert(flag->initial);
	ck_assert_str_eq(flag->owner, "team");
	flag = flagp_elf_find(&elf, "b.two");
	ck_assert_ptr_eq(flag, &elf.flags[1]);
	ck_assert(!flag->initial);
	ck_assert_str_eq(flag->owner, "");
	ck_assert_uint_eq(strlen(flag->summary), ELF_SUMMARY_SIZE - 1);
	ck_assert_ptr_null(flagp_elf_find(&elf, "a"));
	flagp_elf_free(&elf);
}

static void
refuses(const struct program *program, int code, const char *text)
{
	struct flag_error error;
	struct elf elf = { 0 };
	int result = parse(&elf, program, sizeof(*program), &error);

	ck_assert_int_eq(result, -code);
	ck_assert_msg(strstr(error.text, text) != NULL, "%s", error.text);
	flagp_elf_free(&elf);
}

START_TEST(flags_are_found_through_a_table_and_in_place)
{
	struct program program;

	fill(&program);
	reads(&program);
	/* A later version's definition is longer. */
	program.flags[0].size += 64;
	program.flags[0].version++;
	reads(&program);
	program.index[0] = AT(flags[0]);
	program.index[1] = AT(flags[1]);
	program.index[2] = AT(tunable);
	program.sections[TABLE].sh_type = SHT_RELR;
	reads(&program);
	program.header.e_type = ET_EXEC;
	program.sections[TABLE].sh_type = SHT_NULL;
	reads(&program);
}
END_TEST

START_TEST(tables_for_linkers_and_other_relocations_are_not_applied)
{
	struct program program;

	fill(&program);
	program.sections[TABLE].sh_flags = 0;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	fill(&program);
	program.table[1].r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	fill(&program);
	program.header.e_machine = EM_AARCH64;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	program.table[0].r_info = ELF64_R_INFO(0, R_AARCH64_RELATIVE);
	program.table[1].r_info = program.table[0].r_info;
	program.table[2].r_info = program.table[0].r_info;
	reads(&program);
}
END_TEST

START_TEST(several_files_make_one_set)
{
	struct flag_error error;
	struct program program;
	struct elf elf = { 0 };

	fill(&program);
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error), 0);
	strcpy(program.first, "c");
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error), 0);
	ck_assert_uint_eq(elf.count, 4);
	ck_assert_str_eq(elf.flags[0].name, "a.one");
	ck_assert_str_eq(elf.flags[2].name, "c");
	ck_assert_str_eq(elf.flags[3].name, "c.three");
	/* The first of two is read, the second is bad: none is added. */
	strcpy(program.first, "d");
	strcpy(program.second, "e f");
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error),
			 -FLAG_ECONFIG);
	ck_assert_ptr_null(flagp_elf_find(&elf, "d"));
	flagp_elf_free(&elf);
	ck_assert_ptr_null(elf.flags);
}
END_TEST

START_TEST(bad_names_and_definitions_are_refused)
{
	struct program program;

	fill(&program);
	strcpy(program.first, "b\033two");
	refuses(&program, FLAG_ECONFIG, "\"b?two\" cannot be the name");
	program.first[0] = '\0';
	refuses(&program, FLAG_ECONFIG, "\"\" cannot be the name");
	program.flags[0].name = AT(summary);
	refuses(&program, FLAG_ECONFIG, "at most 48 characters");
	program.flags[0].name = 0;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	fill(&program);
	strcpy(program.third, "record");
	refuses(&program, FLAG_ECONFIG, "\"record\" cannot be the name of a "
		"flag: it is a reserved word");
	fill(&program);
	program.flags[0].size = 43;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	fill(&program);
	/* No NUL before the end of what is loaded. */
	program.segment.p_filesz = offsetof(struct program, summary) + 100;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
}
END_TEST

/* What a program with this tunable gives for its default. */
static void
reads_initial(const struct program *program, const char *expected)
{
	char initial[ELF_TEXT_SIZE];
	struct flag_error error;
	struct elf elf = { 0 };

	ck_assert_msg(parse(&elf, program, sizeof(*program), &error) == 0,
		      "%s", error.text);
	flagp_elf_initial(flagp_elf_find(&elf, "c.three"), initial,
			  sizeof(initial));
	ck_assert_str_eq(initial, expected);
	flagp_elf_initial(flagp_elf_find(&elf, "a.one"), initial,
			  sizeof(initial));
	ck_assert_str_eq(initial, "on");
	flagp_elf_free(&elf);
}

START_TEST(tunables_of_each_type_are_read)
{
	static const char *const expected[] = {
		[FLAG_TYPE_BOOL] = "on", [FLAG_TYPE_INT64] = "5",
		[FLAG_TYPE_DOUBLE] = "0.5", [FLAG_TYPE_DURATION] = "5ns",
		[FLAG_TYPE_SIZE] = "5", [FLAG_TYPE_STRING] = "lru",
	};
	struct program program;

	for (size_t i = 0; i < FLAGP_COUNT(expected); i++) {
		fill(&program);
		fill_tunable(&program, (enum flag_type)i);
		reads_initial(&program, expected[i]);
		/* Only a string has a text. */
		program.tunable.text = UINT64_MAX;
		if (i != FLAG_TYPE_STRING)
			reads_initial(&program, expected[i]);
	}
	program.tunable.text = 0;
	program.tunable.integers[1] = 0;
	reads_initial(&program, "");
	/* A later version's definition is longer. */
	program.tunable.definition.size += 64;
	program.tunable.definition.version++;
	reads_initial(&program, "");
}
END_TEST

START_TEST(damaged_tunables_are_refused)
{
	const size_t end = offsetof(struct program, tunable) +
			   sizeof(struct tunable_in_file);
	struct program program;

	fill(&program);
	/* A flag's definition, whose bits say that more follows. */
	program.flags[0].bits = FLAG_TUNABLE_;
	refuses(&program, FLAG_ENOENT, "shorter than its size says");
	fill(&program);
	program.tunable.definition.size--;
	refuses(&program, FLAG_ENOENT, "shorter than its size says");
	program.tunable.definition.size = sizeof(program);
	refuses(&program, FLAG_ENOENT, "shorter than its size says");
	program.tunable.definition.size = UINT32_MAX;
	refuses(&program, FLAG_ENOENT, "shorter than its size says");
	fill(&program);
	program.segment.p_filesz = end - 1;
	refuses(&program, FLAG_ENOENT, "shorter than its size says");
	fill(&program);
	program.tunable.text = BASE + sizeof(program);
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
	/* No NUL before the end of what is loaded. */
	program.tunable.text = AT(long_text);
	program.segment.p_filesz = offsetof(struct program, long_text) + 100;
	refuses(&program, FLAG_ENOENT, "not where flag_index says");
}
END_TEST

START_TEST(unknown_types_are_refused_by_name)
{
	struct program program;

	fill(&program);
	program.tunable.type = FLAG_TYPE_STRING + 1;
	refuses(&program, FLAG_ENOENT, "tunable c.three is of a type (number "
		"6) that this version does not know");
	program.tunable.type = UINT32_MAX;
	program.tunable.text = UINT64_MAX;
	refuses(&program, FLAG_ENOENT, "(number 4294967295)");
}
END_TEST

START_TEST(defaults_out_of_their_own_range_are_refused)
{
	struct program program;

	fill(&program);
	fill_tunable(&program, FLAG_TYPE_SIZE);
	program.tunable.integers[0] = 10;
	refuses(&program, FLAG_ECONFIG, "tunable c.three, compiled default "
		"10: more than 9; use a size such as");
	program.tunable.integers[0] = 0;
	refuses(&program, FLAG_ECONFIG, "compiled default 0: less than 1");
	fill_tunable(&program, FLAG_TYPE_DOUBLE);
	program.tunable.reals[0] = -1;
	refuses(&program, FLAG_ECONFIG, "compiled default -1: less than 0");
	memset(&program.tunable.reals[0], 0xff, sizeof(double));
	refuses(&program, FLAG_ECONFIG, "not a number");
	fill_tunable(&program, FLAG_TYPE_STRING);
	strcpy(program.text, "a\033b");
	refuses(&program, FLAG_ECONFIG, "default a?b: a control character");
	strcpy(program.text, "0123456789");
	refuses(&program, FLAG_ECONFIG, "longer than 9 bytes");
	program.tunable.text = AT(long_text);
	refuses(&program, FLAG_ECONFIG, "longer than 9 bytes");
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	char expected[ELF_TEXT_SIZE] = "";
	struct program program;

	fill(&program);
	memset(expected, 'l', sizeof(expected) - 1);
	program.tunable.text = AT(long_text);
	program.tunable.integers[2] = LONG_TEXT;
	reads_initial(&program, expected);
	/* Where the copy that is judged ends within a character. */
	memcpy(program.long_text + 4094, "\xc3\xa4", 2);
	reads_initial(&program, expected);
	/* It ends before that: all of it is judged. */
	memcpy(program.long_text + 4000, "\xff", 2);
	refuses(&program, FLAG_ECONFIG, "not UTF-8");
}
END_TEST

START_TEST(definitions_that_contradict_each_other_are_refused)
{
	struct flag_error error;
	struct program program;
	struct elf elf = { 0 };

	fill(&program);
	strcpy(program.first, "c.three");
	refuses(&program, FLAG_ECONFIG, "c.three is a flag and a tunable");
	fill(&program);
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error), 0);
	strcpy(program.text, "lr");
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error),
			 -FLAG_ECONFIG);
	ck_assert_ptr_nonnull(strstr(error.text, "c.three is defined twice"));
	fill_tunable(&program, FLAG_TYPE_SIZE);
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error),
			 -FLAG_ECONFIG);
	/* A flag in the second file, a tunable in the first. */
	fill(&program);
	strcpy(program.third, "d");
	strcpy(program.first, "c.three");
	ck_assert_int_eq(parse(&elf, &program, sizeof(program), &error),
			 -FLAG_ECONFIG);
	ck_assert_ptr_nonnull(strstr(error.text, "a flag and a tunable"));
	ck_assert_ptr_null(flagp_elf_find(&elf, "d"));
	ck_assert_uint_eq(elf.count, 3);
	flagp_elf_free(&elf);
}
END_TEST

START_TEST(what_points_out_of_the_file_is_refused)
{
	struct program program;

	fill(&program);
	program.sections[INDEX].sh_size = sizeof(program);
	refuses(&program, FLAG_ENOENT, "point out of the file");
	program.sections[INDEX].sh_size = 7;
	refuses(&program, FLAG_ENOENT, "no flags");
	fill(&program);
	program.segment.p_filesz++;
	refuses(&program, FLAG_ENOENT, "point out of the file");
	fill(&program);
	program.sections[TABLE].sh_size = sizeof(program);
	refuses(&program, FLAG_ENOENT, "point out of the file");
	fill(&program);
	/* Larger together than the file: they overlap. */
	program.sections[NONE] = program.sections[TABLE];
	program.sections[NONE].sh_offset = 0;
	program.sections[NONE].sh_size = sizeof(program);
	refuses(&program, FLAG_ENOENT, "point out of the file");
	fill(&program);
	program.header.e_shstrndx = SECTIONS;
	refuses(&program, FLAG_ENOENT, "point out of the file");
}
END_TEST

START_TEST(truncated_anywhere_is_refused)
{
	struct flag_error error;
	struct program program;
	struct elf elf = { 0 };

	fill(&program);
	for (size_t size = 0; size < sizeof(program); size++)
		ck_assert_int_eq(parse(&elf, &program, size, &error),
				 -FLAG_ENOENT);
	flagp_elf_free(&elf);
}
END_TEST

/* Each number of the image, of 1 to 8 bytes, at its limits and beyond. */
START_TEST(hostile_numbers_are_refused_or_harmless)
{
	static const uint64_t hostile[] = {
		0, 1, 7, 8, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff,
		INT64_MAX, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - BASE,
		BASE, BASE + sizeof(struct program) - 1,
		BASE + sizeof(struct program), sizeof(struct program),
		sizeof(struct program) - 8,
	};
	const size_t end = offsetof(struct program, summary);
	struct program program;
	struct flag_error error;
	unsigned refused = 0;

	for (size_t at = 0; at < end - 8; at++) {
		for (size_t i = 0; i < FLAGP_COUNT(hostile) * 4; i++) {
			struct elf elf = { 0 };

			fill(&program);
			memcpy((char *)&program + at, &hostile[i / 4],
			       (size_t)1 << i % 4);
			refused += parse(&elf, &program, sizeof(program),
					 &error) != 0;
			flagp_elf_free(&elf);
		}
	}
	ck_assert_uint_gt(refused, 1000);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		flags_are_found_through_a_table_and_in_place,
		tables_for_linkers_and_other_relocations_are_not_applied,
		several_files_make_one_set,
		bad_names_and_definitions_are_refused,
		tunables_of_each_type_are_read, damaged_tunables_are_refused,
		unknown_types_are_refused_by_name,
		defaults_out_of_their_own_range_are_refused,
		a_long_text_is_cut,
		definitions_that_contradict_each_other_are_refused,
		what_points_out_of_the_file_is_refused,
		truncated_anywhere_is_refused,
		hostile_numbers_are_refused_or_harmless, NULL
	};

	return suite_run("elf", tests);
}

/* SPDX-License-Identifier: MIT */
/*
 * elf.c - see elf.h.
 *
 * The section flag_index holds pointers to definitions, and those to strings.
 * Where a program may be loaded anywhere, pointers are relocations: what will
 * be stored stands in a table (RELA), or in its place already (RELR, and
 * programs with fixed addresses).  So the tables are applied to the copy of
 * the file, for address 0; then all pointers are in their places.
 *
 * Every number of the file is taken for hostile: each access goes through
 * at_offset() or at_address(), which know the bounds.
 */
#include "flagctl/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/definition.h"
#include "base/error.h"
#include "base/io.h"

#define FILE_LIMIT (1u << 30)
#define FLAGS_LIMIT (1u << 20)
#define SEGMENTS_LIMIT 64
#define TEXT_LIMIT 4096			/* bytes of a string that are judged */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

/* struct flag_definition in a 64-bit program, whatever we are. */
struct definition {
	uint32_t size, version;
	uint64_t cell, name, summary, owner;
	uint32_t bits, reserved;
};

/* A definition of a later version is longer. */
#define DEFINITION_SIZE (offsetof(struct definition, bits) + sizeof(uint32_t))

_Static_assert(sizeof(void *) != sizeof(uint64_t) ||
	       (offsetof(struct definition, name) ==
		offsetof(struct flag_definition, name) &&
		offsetof(struct definition, bits) ==
		offsetof(struct flag_definition, bits)),
	       "the layout of struct flag_definition");

/* struct flag_tunable_definition in the same. */
struct tunable_definition {
	struct definition definition;
	uint32_t type, reserved;
	uint64_t tunable;
	int64_t integers[3];
	double reals[3];
	uint64_t text;
};

_Static_assert(sizeof(void *) != sizeof(uint64_t) ||
	       (offsetof(struct tunable_definition, type) ==
		offsetof(struct flag_tunable_definition, type) &&
		offsetof(struct tunable_definition, integers) ==
		offsetof(struct flag_tunable_definition, integers) &&
		offsetof(struct tunable_definition, reals) ==
		offsetof(struct flag_tunable_definition, reals) &&
		offsetof(struct tunable_definition, text) ==
		offsetof(struct flag_tunable_definition, text)),
	       "the layout of struct flag_tunable_definition");

/* The relocation that stores an address, by machine. */
static const struct {
	Elf64_Half machine;
	uint32_t relative;
} machines[] = {
	{ EM_X86_64, R_X86_64_RELATIVE },
	{ EM_AARCH64, R_AARCH64_RELATIVE },
	{ EM_RISCV, R_RISCV_RELATIVE },
	{ EM_PPC64, R_PPC64_RELATIVE },
};

/* A part of the file that is loaded. */
struct segment {
	uint64_t address, offset, size;
};

struct image {
	const char *path;
	struct flag_error *error;
	char *bytes;
	uint64_t size;
	Elf64_Ehdr header;
	uint32_t relative;
	uint64_t tables;		/* bytes of relocations to come */
	struct segment segments[SEGMENTS_LIMIT];
	size_t segment_count;
};

static int
refuse(const struct image *image, const char *text)
{
	return flagp_error_set(image->error, FLAG_ENOENT, image->path, 0, "%s",
			       text);
}

static int
refuse_damaged(const struct image *image)
{
	return refuse(image, "its headers point out of the file; it is "
		      "truncated or damaged");
}

/* size bytes of the file, or NULL. */
static char *
at_offset(const struct image *image, uint64_t offset, uint64_t size)
{
	if (offset > image->size || size > image->size - offset)
		return NULL;
	return image->bytes + offset;
}

/* What is loaded at an address, and how many bytes from there; or NULL. */
static char *
at_address(const struct image *image, uint64_t address, uint64_t *left)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct segment *segment = &image->segments[i];
		uint64_t behind = address - segment->address;

		if (address < segment->address || behind >= segment->size)
			continue;
		*left = segment->size - behind;
		return image->bytes + segment->offset + behind;
	}
	return NULL;
}

/* --- headers ----------------------------------------------------------- */

static int
find_machine(struct image *image)
{
	for (size_t i = 0; i < FLAGP_COUNT(machines); i++) {
		if (machines[i].machine != image->header.e_machine)
			continue;
		image->relative = machines[i].relative;
		return 0;
	}
	return flagp_error_set(image->error, FLAG_ENOENT, image->path, 0,
			       "it is for a machine (ELF number %u) whose "
			       "programs this tool cannot read",
			       image->header.e_machine);
}

static int
check_identity(const struct image *image)
{
	const char *bytes = image->bytes;

	if (image->size >= 2 && memcmp(bytes, "#!", 2) == 0)
		return refuse(image, "it is a script, not an ELF file; libtool "
			      "keeps the program itself in .libs");
	if (image->size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return refuse(image, "not an ELF file; a program or a shared "
			      "object is accepted");
	if (image->size < sizeof(image->header))
		return refuse_damaged(image);
	if (bytes[EI_CLASS] != ELFCLASS64)
		return refuse(image, "it is a 32-bit file; 64-bit ones are "
			      "accepted");
	if (bytes[EI_DATA] != OWN_ORDER)
		return refuse(image, "it has another byte order than this "
			      "machine");
	return 0;
}

static int
read_header(struct image *image)
{
	Elf64_Ehdr *header = &image->header;
	int result = check_identity(image);

	if (result < 0)
		return result;
	memcpy(header, image->bytes, sizeof(*header));
	if (header->e_type == ET_REL)
		return refuse(image, "it is not linked yet; a program or a "
			      "shared object is accepted");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return refuse(image, "it is neither a program nor a shared "
			      "object");
	if (header->e_shoff == 0 || header->e_shnum == 0)
		return refuse(image, "it has no section headers, so its flags "
			      "cannot be found; give the file as the linker "
			      "made it");
	if (header->e_shentsize != sizeof(Elf64_Shdr) ||
	    header->e_phentsize != sizeof(Elf64_Phdr) ||
	    header->e_shstrndx >= header->e_shnum)
		return refuse_damaged(image);
	return find_machine(image);
}

static int
read_segments(struct image *image)
{
	const Elf64_Ehdr *header = &image->header;
	const char *table = at_offset(image, header->e_phoff, header->e_phnum *
				      sizeof(Elf64_Phdr));
	Elf64_Phdr entry;

	if (table == NULL)
		return refuse_damaged(image);
	for (unsigned i = 0; i < header->e_phnum; i++) {
		memcpy(&entry, table + i * sizeof(entry), sizeof(entry));
		if (entry.p_type != PT_LOAD || entry.p_filesz == 0)
			continue;
		if (at_offset(image, entry.p_offset, entry.p_filesz) == NULL)
			return refuse_damaged(image);
		if (image->segment_count == SEGMENTS_LIMIT)
			return refuse(image, "it has more segments than any "
				      "program that a linker made");
		image->segments[image->segment_count++] = (struct segment){
			entry.p_vaddr, entry.p_offset, entry.p_filesz };
	}
	return 0;
}

/* --- sections ---------------------------------------------------------- */

/* Section i; false if its header is not in the file. */
static bool
get_section(const struct image *image, unsigned i, Elf64_Shdr *section)
{
	const char *place = at_offset(image, image->header.e_shoff,
				      (i + 1) * sizeof(*section));

	if (place == NULL)
		return false;
	memcpy(section, place + i * sizeof(*section), sizeof(*section));
	return true;
}

/* Stores the addresses of one table where they belong. */
static int
relocate(struct image *image, const Elf64_Shdr *section)
{
	const char *table = at_offset(image, section->sh_offset,
				      section->sh_size);
	Elf64_Rela entry;
	uint64_t left, at;
	char *place;

	/* Tables that overlap would make much work of a small file. */
	if (table == NULL || section->sh_size > image->tables)
		return refuse_damaged(image);
	image->tables -= section->sh_size;
	for (at = 0; section->sh_size - at >= sizeof(entry);
	     at += sizeof(entry)) {
		memcpy(&entry, table + at, sizeof(entry));
		if (ELF64_R_TYPE(entry.r_info) != image->relative)
			continue;
		place = at_address(image, entry.r_offset, &left);
		if (place != NULL && left >= sizeof(entry.r_addend))
			memcpy(place, &entry.r_addend, sizeof(entry.r_addend));
	}
	return 0;
}

static bool
is_index(const struct image *image, const Elf64_Shdr *names,
	 const Elf64_Shdr *section)
{
	static const char index[] = "flag_index";
	const char *name;

	if (section->sh_name >= names->sh_size ||
	    names->sh_size - section->sh_name < sizeof(index))
		return false;
	name = at_offset(image, names->sh_offset, names->sh_size);
	return name != NULL && memcmp(name + section->sh_name, index,
				      sizeof(index)) == 0;
}

/* Relocates, and finds the section of the pointers. */
static int
read_sections(struct image *image, Elf64_Shdr *index)
{
	Elf64_Shdr names, section;
	bool found = false;
	int result = 0;

	if (!get_section(image, image->header.e_shstrndx, &names))
		return refuse_damaged(image);
	for (unsigned i = 0; i < image->header.e_shnum && result == 0; i++) {
		if (!get_section(image, i, &section))
			return refuse_damaged(image);
		if (section.sh_type == SHT_RELA &&
		    (section.sh_flags & SHF_ALLOC) != 0)
			result = relocate(image, &section);
		else if (is_index(image, &names, &section))
			found = true, *index = section;
	}
	if (result < 0)
		return result;
	if (!found || index->sh_size < sizeof(uint64_t))
		return refuse(image, "it defines no flags (no section "
			      "flag_index)");
	if (index->sh_type == SHT_NOBITS)
		return refuse(image, "it holds debug symbols only; give the "
			      "program itself");
	return 0;
}

/* --- definitions ------------------------------------------------------- */

static int
refuse_definition(const struct image *image)
{
	return refuse(image, "a definition is not where flag_index says, or "
		      "shorter than its size says; the file is damaged, or "
		      "relocated in a way that this tool cannot read");
}

/* Copies a string, cut to size; false if it is not in the file. */
static bool
copy_bytes(const struct image *image, uint64_t address, char *buffer,
	   size_t size)
{
	uint64_t left;
	const char *text = at_address(image, address, &left);
	size_t length;

	if (text == NULL)
		return false;
	length = strnlen(text, left < size ? left : size);
	if (length == left)
		return false;
	if (length == size)
		length--;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return true;
}

/* The same for people. */
static bool
copy_string(const struct image *image, uint64_t address, char *buffer,
	    size_t size)
{
	if (!copy_bytes(image, address, buffer, size))
		return false;
	flagp_text_printable(buffer);
	return true;
}

/* Copies the first size bytes of a definition, which has its own size at its
 * beginning; false if it is not as long, or not in the file as a whole. */
static bool
copy_definition(const struct image *image, uint64_t address, void *definition,
		size_t size)
{
	uint64_t left;
	uint32_t said;
	const char *place = at_address(image, address, &left);

	if (place == NULL || left < size)
		return false;
	memcpy(&said, place, sizeof(said));
	if (said < size || said > left)
		return false;
	memcpy(definition, place, size);
	return true;
}

/* Everything but what a tunable has more than a flag. */
static bool
read_definition(const struct image *image, uint64_t address,
		struct tunable_definition *whole, struct elf_flag *flag)
{
	const struct definition *definition = &whole->definition;

	if (!copy_definition(image, address, whole, DEFINITION_SIZE))
		return false;
	flag->initial = (definition->bits & FLAG_INITIAL_ON) != 0;
	flag->tunable = (definition->bits & FLAG_TUNABLE_) != 0;
	if (flag->tunable &&
	    !copy_definition(image, address, whole, sizeof(*whole)))
		return false;
	return copy_string(image, definition->summary, flag->summary,
			   sizeof(flag->summary)) &&
	       (definition->owner == 0 ||
		copy_string(image, definition->owner, flag->owner,
			    sizeof(flag->owner)));
}

static int
read_name(const struct image *image, const struct definition *definition,
	  struct elf_flag *flag)
{
	char name[2 * FLAGP_NAME_SIZE];

	if (!copy_string(image, definition->name, name, sizeof(name)))
		return refuse_definition(image);
	if (!flagp_text_is_name(name))
		return flagp_error_set(image->error, FLAG_ECONFIG, image->path,
				       0, "\"%s\" cannot be the name of a "
				       "flag; accepted are "
				       "[A-Za-z0-9][A-Za-z0-9_.-]*, at most "
				       "%d characters", name, FLAGP_NAME_MAX);
	if (flagp_text_is_reserved(name))
		return flagp_error_set(image->error, FLAG_ECONFIG, image->path,
				       0, "\"%s\" cannot be the name of a "
				       "flag: it is a reserved word of the "
				       "configuration; use another", name);
	memcpy(flag->name, name, strlen(name) + 1);
	return 0;
}

/* Whether a program would take its own default.  Of a text that was cut not
 * all is known. */
static int
check_initial(const struct image *image, const struct elf_flag *flag,
	      const struct value *initial)
{
	char text[ELF_TEXT_SIZE];
	struct flag_error why;

	flagp_error_clear(&why);
	if (flagp_value_check(initial, &flag->limits, &why) == 0 ||
	    (initial->type == VALUE_STRING &&
	     initial->number.size == TEXT_LIMIT - 1 &&
	     initial->number.size <= flag->limits.high.size))
		return 0;
	flagp_value_format(initial, text, sizeof(text));
	return flagp_error_set(image->error, FLAG_ECONFIG, image->path, 0,
			       "tunable %s, compiled default %s: %s",
			       flag->name, text, why.text);
}

static int
read_tunable(const struct image *image, const struct tunable_definition *whole,
	     struct elf_flag *flag)
{
	struct flag_tunable_definition definition = {
		.type = (enum flag_type)whole->type };
	char text[TEXT_LIMIT] = "";
	struct value initial;

	memcpy(definition.integers, whole->integers, sizeof(whole->integers));
	memcpy(definition.reals, whole->reals, sizeof(whole->reals));
	definition.text = text;
	if (whole->type == FLAG_TYPE_STRING && whole->text != 0 &&
	    !copy_bytes(image, whole->text, text, sizeof(text)))
		return refuse_definition(image);
	if (!flagp_definition_read(&definition, &initial, &flag->limits))
		return flagp_error_set(image->error, FLAG_ENOENT, image->path,
				       0, "tunable %s is of a type (number "
				       "%u) that this version does not know; "
				       "use the flagctl of the library that "
				       "it was built with", flag->name,
				       whole->type);
	flag->number = initial.number;
	if (initial.type == VALUE_STRING) {
		/* Cut; what stands behind it is zeros. */
		memcpy(flag->text, text, strnlen(text, ELF_TEXT_SIZE - 1));
		flagp_text_printable(flag->text);
		flag->number.size = strlen(flag->text);
	}
	return check_initial(image, flag, &initial);
}

/* --- flags ------------------------------------------------------------- */

static struct elf_flag *
new_flag(struct elf *elf)
{
	size_t room = elf->room == 0 ? 32 : elf->room * 2;
	struct elf_flag *grown;

	if (elf->count == elf->room) {
		grown = realloc(elf->flags, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		elf->flags = grown;
		elf->room = room;
	}
	memset(&elf->flags[elf->count], 0, sizeof(*elf->flags));
	return &elf->flags[elf->count++];
}

/* Adds the flag whose definition the pointer at place leads to. */
static int
add_flag(struct elf *elf, const struct image *image, const char *place)
{
	struct tunable_definition whole = { .type = 0 };
	struct elf_flag *flag = new_flag(elf);
	uint64_t address;
	int result;

	if (flag == NULL)
		return flagp_error_set(image->error, FLAG_ENOMEM, NULL, 0,
				       "out of memory");
	memcpy(&address, place, sizeof(address));
	if (!read_definition(image, address, &whole, flag))
		return refuse_definition(image);
	result = read_name(image, &whole.definition, flag);
	if (result == 0 && flag->tunable)
		result = read_tunable(image, &whole, flag);
	return result;
}

static int
read_flags(struct elf *elf, const struct image *image, const Elf64_Shdr *index)
{
	uint64_t left = 0, count = index->sh_size / sizeof(uint64_t);
	const char *place = at_address(image, index->sh_addr, &left);
	int result = 0;

	if (place == NULL || left < index->sh_size)
		return refuse_damaged(image);
	if (count > FLAGS_LIMIT)
		return refuse(image, "it has more than a million flags");
	for (uint64_t i = 0; i < count && result == 0; i++)
		result = add_flag(elf, image, place + i * sizeof(uint64_t));
	return result;
}

static int
by_name(const void *left, const void *right)
{
	const struct elf_flag *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static struct value
initial_of(const struct elf_flag *flag)
{
	return (struct value){ flag->limits.type, flag->number, flag->text };
}

/* Two definitions of one name, of which a program would take one only. */
static int
check_twins(const struct image *image, const struct elf_flag *a,
	    const struct elf_flag *b)
{
	const struct value initial_a = initial_of(a), initial_b = initial_of(b);

	if (a->tunable != b->tunable)
		return flagp_error_set(image->error, FLAG_ECONFIG, image->path,
				       0, "%s is a flag and a tunable; give "
				       "one of them another name", a->name);
	if (!a->tunable || flagp_definition_same(&initial_a, &a->limits,
						 &initial_b, &b->limits))
		return 0;
	return flagp_error_set(image->error, FLAG_ECONFIG, image->path, 0,
			       "tunable %s is defined twice, not with the same "
			       "type, range and default; give both the same",
			       a->name);
}

/* Those that one file added, against each other and the ones before. */
static int
check_added(const struct elf *elf, size_t before, const struct image *image)
{
	const struct elf old = { elf->flags, before, before };
	const struct elf_flag *twin;
	int result = 0;

	qsort(elf->flags + before, elf->count - before, sizeof(*elf->flags),
	      by_name);
	for (size_t i = before; i < elf->count && result == 0; i++) {
		const struct elf_flag *flag = &elf->flags[i];

		twin = flagp_elf_find(&old, flag->name);
		if (twin != NULL)
			result = check_twins(image, flag, twin);
		if (result == 0 && i > before && by_name(flag - 1, flag) == 0)
			result = check_twins(image, flag, flag - 1);
	}
	return result;
}

/* Sorts them, one at least; of two with one name one stays. */
static void
put_in_order(struct elf *elf)
{
	size_t kept = 0;

	qsort(elf->flags, elf->count, sizeof(*elf->flags), by_name);
	for (size_t i = 1; i < elf->count; i++)
		if (by_name(&elf->flags[kept], &elf->flags[i]) != 0)
			elf->flags[++kept] = elf->flags[i];
	elf->count = kept + 1;
}

int
flagp_elf_parse(struct elf *elf, const char *path, struct text *text,
		struct flag_error *error)
{
	struct image image = {
		.path = path, .error = error, .bytes = text->data,
		.size = text->size, .tables = text->size,
	};
	size_t before = elf->count;
	Elf64_Shdr index = { 0 };
	int result = read_header(&image);

	if (result == 0)
		result = read_segments(&image);
	if (result == 0)
		result = read_sections(&image, &index);
	if (result == 0)
		result = read_flags(elf, &image, &index);
	if (result == 0)
		result = check_added(elf, before, &image);
	if (result == 0)
		put_in_order(elf);
	else
		elf->count = before;
	return result;
}

static int
refuse_file(struct flag_error *error, const char *path, int code)
{
	switch (code) {
	case EISDIR:
	case EINVAL:
		return flagp_error_set(error, FLAG_ENOENT, path, 0,
				       "not a regular file; a program or a "
				       "shared object is accepted");
	case EFBIG:
		return flagp_error_set(error, FLAG_EIO, path, 0,
				       "it is larger than 1 GiB; strip may "
				       "help");
	case EAGAIN:
		return flagp_error_set(error, FLAG_EAGAIN, path, 0,
				       "it is changing; try again");
	case ENOENT:
	case ENOTDIR:
		return flagp_error_set(error, FLAG_ENOENT, path, 0,
				       "no such file");
	default:
		return flagp_error_set(error, flagp_error_code(code), path, 0,
				       "%s", strerror(code));
	}
}

int
flagp_elf_read(struct elf *elf, const char *path, struct flag_error *error)
{
	struct text text = TEXT_INIT;
	int result = flagp_io_read(AT_FDCWD, path, FILE_LIMIT, &text, NULL);

	if (result < 0)
		result = refuse_file(error, path, -result);
	else
		result = flagp_elf_parse(elf, path, &text, error);
	flagp_text_free(&text);
	return result;
}

bool
flagp_elf_is(const char *path)
{
	char magic[SELFMAG];
	int descriptor = flagp_io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK |
				       O_NOCTTY, 0);
	ssize_t got;

	if (descriptor < 0)
		return false;
	got = read(descriptor, magic, sizeof(magic));
	close(descriptor);
	return got == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

const struct elf_flag *
flagp_elf_find(const struct elf *elf, const char *name)
{
	struct elf_flag key;

	if (elf->count == 0 || strlen(name) > FLAGP_NAME_MAX)
		return NULL;
	memcpy(key.name, name, strlen(name) + 1);
	return bsearch(&key, elf->flags, elf->count, sizeof(key), by_name);
}

size_t
flagp_elf_initial(const struct elf_flag *flag, char *buffer, size_t size)
{
	const struct value initial = initial_of(flag);

	if (flag->tunable)
		return flagp_value_format(&initial, buffer, size);
	return (size_t)snprintf(buffer, size, "%s",
				flag->initial ? "on" : "off");
}

size_t
flagp_elf_tunables(const struct elf *elf)
{
	size_t count = 0;

	for (size_t i = 0; i < elf->count; i++)
		count += elf->flags[i].tunable;
	return count;
}

void
flagp_elf_free(struct elf *elf)
{
	free(elf->flags);
	*elf = (struct elf){ 0 };
}

/* SPDX-License-Identifier: MIT */
/*
 * sections_main.c - checks the layout that ripcord.h asks of the linker: the
 * cells of one linked object stand alone on their pages, and a shared mapping
 * moved over those pages is seen by a whole fork family.
 *
 * Stands in for the library with a flag_register() of its own.  Built by
 * tests/sections with many compilers and linkers:
 *	-DEXPECT_OBJECTS=n	linked objects that must have registered
 *	-DEXPECT_FLAGS=n	flags of the executable
 *	-DMANY			510 more flags here: the cells fill one page
 *	-DREPEATED_PADS		each file may bring pads of its own
 *	-DINTRUDER		other data among the cells: must be noticed
 *	-DWITH_SECOND -DWITH_CXX -DWITH_OBJECT	which other files are there
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sections.h"

#ifndef EXPECT_OBJECTS
#define EXPECT_OBJECTS 1
#endif
#define OBJECTS_MAX 8

static char before[100] = "the bytes before";
FLAG_DEFINE(first, "sections.first", "defined in the main file");
FLAG_DEFINE_WITH(initial_on, "sections.initial", "on from the start",
		 FLAG_INITIAL_ON, "the test");
static char after[100] = "the bytes after";

#ifdef INTRUDER
uint64_t intruder __attribute__((section("flag_words"), used))
	FLAG_RETAIN_ = 1;
#endif

#ifdef MANY
#define ONE(n) FLAG_DEFINE(many_##n, "sections.many." #n, "one of many");
#define EIGHT(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) \
	ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7)
#define SIXTY_FOUR(n) EIGHT(n##0) EIGHT(n##1) EIGHT(n##2) EIGHT(n##3) \
	EIGHT(n##4) EIGHT(n##5) EIGHT(n##6) EIGHT(n##7)
SIXTY_FOUR(0) SIXTY_FOUR(1) SIXTY_FOUR(2) SIXTY_FOUR(3)
SIXTY_FOUR(4) SIXTY_FOUR(5) SIXTY_FOUR(6)
EIGHT(70) EIGHT(71) EIGHT(72) EIGHT(73) EIGHT(74) EIGHT(75) EIGHT(76)
ONE(770) ONE(771) ONE(772) ONE(773) ONE(774) ONE(775)
#endif

extern unsigned char __start_flag_pad_head[] __attribute__((weak));
extern unsigned char __stop_flag_pad_head[] __attribute__((weak));
extern unsigned char __stop_flag_pad_tail[] __attribute__((weak));

static struct flag_object *objects[OBJECTS_MAX];
static unsigned object_count;
static int failures;

#define CHECK(condition) check(condition, #condition, __LINE__)

static void
check(int good, const char *text, int line)
{
	if (good)
		return;
	failures++;
	fprintf(stderr, "sections_main.c:%d: not true: %s\n", line, text);
}

/* The library's, for this test: only remembers. */
void
flag_register(struct flag_object *object)
{
	if (object_count < OBJECTS_MAX)
		objects[object_count] = object;
	object_count++;
}

static uintptr_t
page_after(const void *address)
{
	return ((uintptr_t)address + FLAG_PAGE_ - 1) &
	       ~((uintptr_t)FLAG_PAGE_ - 1);
}

/* The cells stand on pages of their own, with nothing between them. */
static void
check_layout(const struct flag_object *o)
{
	size_t cells = (size_t)(o->words_end - o->words);
	size_t count = (size_t)(o->index_end - o->index);

	CHECK(o->size == sizeof(struct flag_object));
	CHECK((uintptr_t)o->words % FLAG_PAGE_ == 0);
	CHECK(o->pad_tail != NULL);
	CHECK((uintptr_t)o->pad_tail == page_after(o->words_end));
	CHECK(cells == count);
}

/* Every definition names a cell of its own among the words. */
static void
check_index(const struct flag_object *o)
{
	const struct flag_definition **d, **e;

	for (d = o->index; d != o->index_end; d++) {
		CHECK((*d)->size == sizeof(struct flag_definition));
		CHECK((*d)->cell >= o->words && (*d)->cell < o->words_end);
		CHECK((*d)->cell->state ==
		      ((*d)->bits & FLAG_INITIAL_ON ? 1u : 0u));
		CHECK(strncmp((*d)->name, "sections.", 9) == 0);
		for (e = o->index; e != d; e++)
			CHECK((*e)->cell != (*d)->cell);
	}
}

/* One head and one tail, however many files were linked. */
static void
check_pads(const struct flag_object *o)
{
	ptrdiff_t head = __stop_flag_pad_head - __start_flag_pad_head;
	ptrdiff_t tail = __stop_flag_pad_tail - o->pad_tail;

#ifdef REPEATED_PADS
	CHECK(head > 0 && head % FLAG_PAGE_ == 0);
	CHECK(tail > 0 && tail % FLAG_PAGE_ == 0);
#else
	CHECK(head == FLAG_PAGE_);
	CHECK(tail == FLAG_PAGE_);
#endif
	CHECK(__stop_flag_pad_head == (unsigned char *)o->words);
}

/* Moves a shared mapping over the pages of the words. */
static int
share(const struct flag_object *o, int descriptor)
{
	size_t size = (size_t)(o->pad_tail - (unsigned char *)o->words);
	int flags = MAP_SHARED | (descriptor < 0 ? MAP_ANONYMOUS : 0);
	void *mapping;

	if (descriptor >= 0 && ftruncate(descriptor, (off_t)size) != 0)
		return -1;
	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, descriptor,
		       0);
	if (mapping == MAP_FAILED)
		return -1;
	memcpy(mapping, o->words, size);
	if (mremap(mapping, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   o->words) == MAP_FAILED)
		return -1;
	return 0;
}

/* A child flips every cell of every object; 1 if the parent then sees it. */
static int
flip_in_child(uint32_t state)
{
	const struct flag_definition **d;
	int status, seen = 1;
	unsigned i;
	pid_t child = fork();

	if (child == 0) {
		for (i = 0; i < object_count; i++)
			for (d = objects[i]->index; d != objects[i]->index_end;
			     d++)
				__atomic_store_n(&(*d)->cell->state, state,
						 __ATOMIC_RELAXED);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return 0;
	for (i = 0; i < object_count; i++)
		for (d = objects[i]->index; d != objects[i]->index_end; d++)
			seen &= flag_enabled((*d)->cell) == (int)state;
	return seen;
}

static void
check_files(int on)
{
	CHECK(flag_enabled(&first) == on);
	CHECK(flag_enabled(&initial_on) == on);
#ifdef WITH_SECOND
	CHECK(flag_enabled(sections_second_flag()) == on);
#endif
#ifdef WITH_CXX
	CHECK(flag_enabled(sections_cxx_flag()) == on);
#endif
#ifdef WITH_OBJECT
	CHECK(flag_enabled(sections_object_flag()) == on);
	CHECK(sections_object_enabled() == on);
#endif
}

/* Everything that was registered is what the files defined. */
static void
check_objects(void)
{
	unsigned i, mine = 0;

	CHECK(object_count == EXPECT_OBJECTS);
	for (i = 0; i < object_count && i < OBJECTS_MAX; i++) {
		check_layout(objects[i]);
		check_index(objects[i]);
		mine += objects[i] == &flag_this_object;
	}
	CHECK(mine == 1);
	CHECK(flag_this_object.index_end - flag_this_object.index ==
	      EXPECT_FLAGS);
	check_pads(&flag_this_object);
}

/* Shares all cells, through a mapping with a name or without one. */
static void
check_sharing(int named)
{
	unsigned i;
	int descriptor;

	for (i = 0; i < object_count; i++) {
		descriptor = named ? memfd_create("sections", 0) : -1;
		CHECK(!named || descriptor >= 0);
		CHECK(share(objects[i], descriptor) == 0);
		if (descriptor >= 0)
			close(descriptor);
	}
	CHECK(flip_in_child(1));
	check_files(1);
	CHECK(flip_in_child(0));
	check_files(0);
}

int
main(void)
{
	check_objects();
	if (failures != 0 || object_count > OBJECTS_MAX)
		return 1;
	check_sharing(0);
	check_sharing(1);
	CHECK(strcmp(before, "the bytes before") == 0);
	CHECK(strcmp(after, "the bytes after") == 0);
	return failures != 0;
}

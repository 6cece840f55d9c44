/* SPDX-License-Identifier: MIT */
/* board.c - the shared cells; the only code that stores to them. */
#include "core/board.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "core/cells.h"
#include "mechanism/bucket.h"
#include "store/proc.h"

#define SLOTS 1024u
#define PRIVATE_LIMIT 8192u	/* cells of one block, at most */
#define SPARE_PAGES 16u		/* for objects that are loaded later */

/*
 * A flag without definition.  hash: W any member that claims it, by
 * compare-and-swap from 0; R any.  Order: acquire, release.
 */
struct slot {
	_Atomic uint64_t hash;
	struct flag cell;
};

#define SLOT_SHIFT 4
_Static_assert(sizeof(struct slot) == 1 << SLOT_SHIFT, "two words");

static struct {
	alignas(FLAG_PAGE_) struct slot slots[SLOTS];
} library_page;
_Static_assert(sizeof(library_page) % FLAG_PAGE_ == 0, "whole pages");

/*
 * The first page of the mapping.  All fields: W any member, R any member,
 * atomic.  used: pages that are taken; grows only.
 */
struct header {
	_Atomic uint64_t knowledge, config;
	uint64_t epoch;
	_Atomic uint64_t epochs;	/* how many were taken */
	_Atomic uint32_t used;
};

/* Before there is a board. */
static struct header private_header;

/* W: flagp_board_open and flagp_board_adopt under LOCK_CHANGE; R: the same,
 * but header, which publishers read under LOCK_CHANGE too.  id and own_cells:
 * also read in the fork handler. */
static struct header *header = &private_header;
static unsigned char *mapping;
static size_t mapping_pages, page_size;
static uint64_t mapping_id;
static bool own_cells, forked;

static uint64_t *
whole(const struct flag *cell)
{
	/* struct flag is 64 aligned bits; may_alias is what -O2 needs. */
	typedef uint64_t __attribute__((may_alias)) cell_bits;

	return (uint64_t *)(cell_bits *)(uintptr_t)cell;
}

uint64_t
flagp_board_load(const struct flag *cell)
{
	return __atomic_load_n(whole(cell), __ATOMIC_ACQUIRE);
}

static bool
swap(struct flag *cell, uint64_t seen, uint32_t word, uint32_t threshold)
{
	uint64_t next;
	uint32_t stamp = (BOARD_WORD(seen) >> BOARD_STAMP_SHIFT) + 1;

	word |= stamp << BOARD_STAMP_SHIFT;
	next = (uint64_t)threshold << 32 | word;
	return __atomic_compare_exchange_n(whole(cell), &seen, next, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* What flagctl reads out of a registration. */
_Static_assert(PROC_WORD_ON == BOARD_ON &&
	       PROC_WORD_PERCENT == BOARD_PERCENT, "one meaning");

#define STATE_MASK ((1u << BOARD_STAMP_SHIFT) - 1)

const uint64_t *
flagp_board_epoch(void)
{
	return &header->epoch;
}

uint64_t
flagp_board_epoch_take(void)
{
	return atomic_fetch_add(&header->epochs, 1) + 1;
}

bool
flagp_board_epoch_move(uint64_t seen, uint64_t taken)
{
	if (__atomic_compare_exchange_n(&header->epoch, &seen, taken, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return true;
	flagp_board_epoch_skip();
	return false;
}

void
flagp_board_epoch_skip(void)
{
	(void)__atomic_exchange_n(&header->epoch, flagp_board_epoch_take(),
				  __ATOMIC_ACQ_REL);
}

bool
flagp_board_trip_unsaved(uint64_t cell)
{
	return (BOARD_WORD(cell) & (BOARD_TRIPPED | BOARD_TRIP_SAVED)) ==
	       BOARD_TRIPPED;
}

/* Without a trip. */
static uint32_t
word_of(const struct board_wish *wish, uint32_t *threshold)
{
	*threshold = flagp_bucket_threshold(wish->share);
	if (wish->share == 0)
		return 0;
	if (wish->share >= FLAGP_SHARE_ALL)
		return BOARD_ON;
	return BOARD_PERCENT | (wish->instance ? BOARD_ON : 0);
}

bool
flagp_board_publish(struct flag *cell, uint64_t seen,
		    const struct board_wish *wish, bool restamp)
{
	uint32_t word = 0, threshold = 0;

	if (wish->trip)
		word = BOARD_TRIPPED | BOARD_TRIP_SAVED;
	else if (flagp_board_trip_unsaved(seen))
		word = BOARD_TRIPPED;
	if (word == 0)
		word = word_of(wish, &threshold);
	if (!restamp && (BOARD_WORD(seen) & STATE_MASK) == word &&
	    BOARD_THRESHOLD(seen) == threshold)
		return true;
	return swap(cell, seen, word, threshold);
}

bool
flagp_board_trip(struct flag *cell)
{
	uint64_t seen;

	/* A trip that is on disk may just be taken off it: this one is new,
	 * so it must not rest on that record. */
	do {
		seen = flagp_board_load(cell);
		if (flagp_board_trip_unsaved(seen))
			return false;
	} while (!swap(cell, seen, BOARD_TRIPPED, 0));
	flagp_board_epoch_skip();
	return true;
}

void
flagp_board_trip_saved(struct flag *cell)
{
	uint64_t seen;

	do {
		seen = flagp_board_load(cell);
		if (!flagp_board_trip_unsaved(seen))
			return;
	} while (!swap(cell, seen, BOARD_TRIPPED | BOARD_TRIP_SAVED, 0));
}

struct board_knowledge
flagp_board_knowledge(void)
{
	struct board_knowledge now = {
		.knowledge = atomic_load_explicit(&header->knowledge,
						  memory_order_acquire),
		.config = atomic_load_explicit(&header->config,
					       memory_order_acquire),
	};

	return now;
}

void
flagp_board_set_knowledge(const struct board_knowledge *seen,
			  const struct board_knowledge *now)
{
	uint64_t config = seen->config, knowledge = seen->knowledge;

	/* Losing either swap is harmless: the next one stamps once more. */
	atomic_compare_exchange_strong(&header->config, &config, now->config);
	atomic_compare_exchange_strong(&header->knowledge, &knowledge,
				       now->knowledge);
}

void
flagp_board_forget_knowledge(void)
{
	atomic_store(&header->knowledge, 0);
	atomic_store(&header->config, 0);
}

uint64_t
flagp_board_id(void)
{
	return mapping_id;
}

bool
flagp_board_own_cells(void)
{
	return own_cells;
}

void
flagp_board_forked(void)
{
	forked = true;
}

/* Puts the pages from first on under size bytes at target, values kept. */
static bool
slide_under(void *target, size_t size, uint32_t first)
{
	unsigned char *from = mapping + first * page_size;

	memcpy(from, target, size);
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		      target) == target;
}

static size_t
pages_of(size_t size)
{
	return (size + page_size - 1) / page_size;
}

/* The pages of an object's cells, or 0 where they cannot be shared. */
static size_t
object_pages(const struct flag_object *object)
{
	uintptr_t start = (uintptr_t)object->words;
	size_t size = (size_t)((char *)object->words_end -
			       (char *)object->words);
	/* Pads stand on the largest pages of the machine's ABI, which are not
	 * always those of this kernel. */
	uintptr_t tail = (start + size + FLAG_PAGE_ - 1) / FLAG_PAGE_ *
			 FLAG_PAGE_;

	if (object->pad_tail == NULL || size == 0 || start % page_size != 0 ||
	    (uintptr_t)object->pad_tail != tail)
		return 0;
	return pages_of(size);
}

/* Takes pages out of the mapping; UINT32_MAX: none left. */
static uint32_t
take_pages(size_t pages)
{
	uint32_t first = atomic_fetch_add(&header->used, (uint32_t)pages);

	return first + pages > mapping_pages ? UINT32_MAX : first;
}

void
flagp_board_adopt(struct flag_object *object)
{
	size_t pages;
	uint32_t first;

	if (object->words == object->words_end)
		return;
	/* What one member loads after a fork, the others do not map. */
	if (forked)
		own_cells = true;
	if (mapping == NULL)
		return;
	pages = object_pages(object);
	first = pages == 0 ? UINT32_MAX : take_pages(pages);
	if (first == UINT32_MAX ||
	    !slide_under(object->words, pages * page_size, first))
		own_cells = true;
}

static size_t
pages_wanted(void)
{
	size_t pages = 1 + pages_of(sizeof(library_page)) + SPARE_PAGES;
	struct flag_object *object = flagp_registry_objects();

	for (; object != NULL; object = flagp_registry_object_after(object))
		pages += object_pages(object);
	return pages;
}

/* A mapping with a name in /proc/PID/maps; anonymous where that is refused. */
static unsigned char *
map_named(const char *name, size_t size)
{
	struct stat status;
	void *address = MAP_FAILED;
	int descriptor;

	descriptor = memfd_create(name, MFD_CLOEXEC);
	if (descriptor >= 0) {
		if (flagp_io_set_size(descriptor, size) == 0 &&
		    fstat(descriptor, &status) == 0)
			address = mmap(NULL, size, PROT_READ | PROT_WRITE,
				       MAP_SHARED, descriptor, 0);
		if (address != MAP_FAILED)
			mapping_id = status.st_ino;
		close(descriptor);
	}
	if (address == MAP_FAILED)
		address = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return address == MAP_FAILED ? NULL : address;
}

static int
make_mapping(const char *name, struct flag_error *error)
{
	struct header *fresh;
	size_t pages;
	uint32_t first;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (page_size > FLAG_PAGE_)
		return -flagp_error_set(error, FLAG_EINVAL, NULL, 0,
			"pages of %zu bytes, at most %u are used: flags are "
			"not shared with forked children, which follow files "
			"by themselves after flag_child()", page_size,
			(unsigned)FLAG_PAGE_);
	pages = pages_wanted();
	mapping = map_named(name, pages * page_size);
	if (mapping == NULL)
		return -flagp_error_set(error, FLAG_ENOMEM, NULL, 0,
			"no shared mapping (%s): flags are not shared with "
			"forked children, which follow files by themselves "
			"after flag_child()", strerror(errno));
	mapping_pages = pages;
	/* Not an epoch of before: views look at the new one. */
	fresh = (struct header *)mapping;
	fresh->epoch = flagp_board_epoch_take();
	atomic_store(&fresh->epochs, fresh->epoch);
	header = fresh;
	atomic_store(&header->used, 1);
	first = take_pages(pages_of(sizeof(library_page)));
	if (!slide_under(&library_page, sizeof(library_page), first))
		own_cells = true;
	return 0;
}

int
flagp_board_open(const char *name, bool private_cells,
		 struct flag_error *error)
{
	struct flag_object *object = flagp_registry_objects();
	int result;

	if (mapping != NULL)
		return 0;
	if (private_cells) {
		own_cells = true;
		return 0;
	}
	result = make_mapping(name, error);
	if (result != 0) {
		own_cells = true;
		return result;
	}
	for (; object != NULL; object = flagp_registry_object_after(object))
		flagp_board_adopt(object);
	return 0;
}

/* Of blocks that grow, so that there are few ranges; they stay for ever. */
static struct flag *
private_cell(void)
{
	/* W, R under LOCK_CHANGE. */
	static struct flag *block;
	static size_t size, used;

	own_cells = true;
	if (used == size) {
		size_t wanted = size == 0 ? 64 :
				size < PRIVATE_LIMIT ? size * 2 : size;
		struct flag *next = calloc(wanted, sizeof(*next));

		if (next == NULL || !flagp_cells_add(next, wanted, 3)) {
			free(next);
			return NULL;
		}
		block = next;
		size = wanted;
		used = 0;
	}
	return &block[used++];
}

/* The slots' range, once. */
static bool
add_slots(void)
{
	static bool added;	/* W, R under LOCK_CHANGE */

	if (!added)
		added = flagp_cells_add(&library_page.slots[0].cell, SLOTS,
					SLOT_SHIFT);
	return added;
}

struct flag *
flagp_board_claim(const char *name)
{
	uint64_t hash = flagp_text_hash(FLAGP_FNV_START, name, strlen(name));

	if (!add_slots())
		return NULL;
	hash |= hash == 0;
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *slot =
			&library_page.slots[(hash + i) % SLOTS];
		uint64_t taken = atomic_load(&slot->hash);

		/* Looked at first: a table that is full is walked from end to
		 * end, and a swap that fails costs as much as one that does
		 * not. */
		if (taken == 0 &&
		    atomic_compare_exchange_strong(&slot->hash, &taken, hash))
			return &slot->cell;
		if (taken != hash)
			continue;
		/* Ours if another member asked for the same name; not if
		 * this process knows the slot under a name that only hashes
		 * alike. */
		if (flagp_registry_of(&slot->cell) == NULL)
			return &slot->cell;
		return private_cell();
	}
	return private_cell();
}

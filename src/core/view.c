/* SPDX-License-Identifier: MIT */
/* view.c - see view.h. */
#include "core/view.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/lock.h"
#include "core/board.h"
#include "core/cells.h"

#define SLOT_NONE VIEW_SLOTS	/* out of memory: a view that pins nothing */

/* Before anything was published, and where there is no memory for books: views
 * ask cells and tunables. */
static const struct flag_view_table_ no_table;
static const uint64_t no_epoch;

/* W: publish, under LOCK_CHANGE.  R: any (O6). */
static struct flag_views_ views = { .epoch = &no_epoch };

/* What the slots hold, and what waits for one.  W, R under LOCK_CHANGE. */
static struct view_stage held[VIEW_SLOTS];
static struct view_stage waiting;
static bool is_waiting;

/*
 * One thread's.  next: fixed once in the list; taken: W, R under LOCK_VIEWS.
 * Books stay for ever, their counts too: a view may end on another thread.
 */
struct books {
	struct flag_view_thread_ thread;
	struct books *next;
	bool taken;
};

static struct books *all_books;		/* W, R under LOCK_VIEWS */
static bool has_key, has_membarrier;	/* the same */
static pthread_key_t key;

/* Set where the header's functions may do without a fence: the driver then
 * has membarrier.  own: set in any case. */
__thread struct flag_view_thread_ *flag_view_thread_
	__attribute__((__tls_model__("initial-exec")));
static __thread struct books *own
	__attribute__((__tls_model__("initial-exec")));

/* --- a thread's books ---------------------------------------------------- */

static void
give_back(void *data)
{
	struct books *books = data;

	flag_view_thread_ = NULL;
	own = NULL;
	flagp_lock(LOCK_VIEWS);
	books->taken = false;
	flagp_unlock(LOCK_VIEWS);
}

/* Asks for what the driver needs, before the first view.  LOCK_VIEWS. */
static void
prepare(void)
{
	if (has_key)
		return;
	has_key = pthread_key_create(&key, give_back) == 0;
	has_membarrier = syscall(SYS_membarrier,
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static struct books *
take_books(void)
{
	struct books *books;

	flagp_lock(LOCK_VIEWS);
	prepare();
	for (books = all_books; books != NULL; books = books->next)
		if (!books->taken)
			break;
	if (books == NULL && has_key) {
		books = calloc(1, sizeof(*books));
		if (books != NULL) {
			books->thread.views = &views;
			books->next = all_books;
			all_books = books;
		}
	}
	if (books != NULL)
		books->taken = true;
	flagp_unlock(LOCK_VIEWS);
	return books;
}

/* This thread's, or NULL. */
static struct books *
own_books(void)
{
	struct books *books = own;

	if (books != NULL)
		return books;
	books = take_books();
	if (books == NULL)
		return NULL;
	/* Without its end the books would be lost with the thread. */
	if (pthread_setspecific(key, books) != 0) {
		give_back(books);
		return NULL;
	}
	own = books;
	if (has_membarrier)
		flag_view_thread_ = &books->thread;
	return books;
}

/* --- begin and end, where the header's way does not do -------------------- */

/* A slot whose table is that of the epoch now. */
static uint32_t
pin(struct flag_view_thread_ *me, uint64_t *now)
{
	for (;;) {
		const uint64_t *epoch = __atomic_load_n(&views.epoch,
							__ATOMIC_ACQUIRE);
		uint64_t before = __atomic_load_n(epoch, __ATOMIC_ACQUIRE);
		uint32_t slot = __atomic_load_n(&views.current,
						__ATOMIC_ACQUIRE);  /* O6 */

		(void)__atomic_add_fetch(&me->in[slot], 1,
					 __ATOMIC_SEQ_CST);	/* O4 */
		*now = before;
		if (__atomic_load_n(&views.current, __ATOMIC_SEQ_CST) ==
		    slot &&					/* O6, O7 */
		    __atomic_load_n(epoch, __ATOMIC_ACQUIRE) == before)
			return slot;
		__atomic_store_n(&me->out[slot], me->out[slot] + 1,
				 __ATOMIC_RELEASE);		/* O5 */
	}
}

void
flag_view_begin_slow_(struct flag_view *view)
{
	struct books *books = own_books();
	uint64_t now;

	view->slot = SLOT_NONE;
	view->table = &no_table;
	view->states = 0;
	if (books == NULL)
		return;
	view->slot = pin(&books->thread, &now);
	view->table = &views.tables[view->slot];
	if (now == view->table->published || now == view->table->made)
		view->states = view->table->state_count;
}

void
flag_view_end_slow_(struct flag_view *view)
{
	struct books *books = own_books();

	/* Never counted out: its slot is lost, and three are left. */
	if (books == NULL)
		return;
	__atomic_store_n(&books->thread.out[view->slot],
			 books->thread.out[view->slot] + 1,
			 __ATOMIC_RELEASE);			/* O5 */
}

int
flag_view_enabled_slow_(const struct flag_view *view, const struct flag *flag)
{
	uint32_t number;

	if (view->states == 0)
		return flag_enabled(flag);
	number = flagp_cells_number(flag);
	if (number >= view->states ||
	    view->table->states[number] == VIEW_ASK)
		return flag_enabled(flag);
	return view->table->states[number] == VIEW_ON;
}

/* The row of a tunable, or NULL: then it is what its cell says. */
static const uint64_t *
row_of(const struct flag_view *view, const uint32_t *place)
{
	uint32_t number = __atomic_load_n(place, __ATOMIC_RELAXED);

	if (number == 0 || number >= view->table->value_count)
		return NULL;
	return &view->table->values[number];
}

int
flag_view_bool(const struct flag_view *view, const struct flag_bool *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);

	return row != NULL ? *row != 0 : flag_bool(tunable);
}

int64_t
flag_view_int64(const struct flag_view *view,
		const struct flag_int64 *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);

	return row != NULL ? (int64_t)*row : flag_int64(tunable);
}

double
flag_view_double(const struct flag_view *view,
		 const struct flag_double *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);
	double value;

	if (row == NULL)
		return flag_double(tunable);
	memcpy(&value, row, sizeof(value));
	return value;
}

int64_t
flag_view_duration(const struct flag_view *view,
		   const struct flag_duration *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);

	return row != NULL ? (int64_t)*row : flag_duration(tunable);
}

uint64_t
flag_view_size(const struct flag_view *view, const struct flag_size *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);

	return row != NULL ? *row : flag_size(tunable);
}

const char *
flag_view_string(const struct flag_view *view,
		 const struct flag_string *tunable)
{
	const uint64_t *row = row_of(view, &tunable->number);

	if (row != NULL)
		return (const char *)(uintptr_t)*row;
	return tunable->initial != NULL ? tunable->initial : "";
}

size_t
flag_string(const struct flag_string *tunable, char *buffer, size_t size)
{
	struct flag_view view;
	const char *text;
	size_t length;

	flag_view_begin(&view);
	text = flag_view_string(&view, tunable);
	length = strlen(text);
	if (size > 0) {
		size_t fits = length < size ? length : size - 1;

		memcpy(buffer, text, fits);
		buffer[fits] = '\0';
	}
	flag_view_end(&view);
	return length;
}

/* --- the driver's side ---------------------------------------------------- */

bool
flagp_view_stage(struct view_stage *stage, uint32_t states, uint32_t values)
{
	size_t size = values * sizeof(uint64_t);
	unsigned char *memory = calloc(1, size + states + 1);

	if (memory == NULL)
		return false;
	*stage = (struct view_stage){
		.table = { .values = (const uint64_t *)(void *)memory,
			   .states = memory + size,
			   .state_count = states, .value_count = values },
		.states = memory + size,
		.values = (uint64_t *)(void *)memory,
	};
	return true;
}

void
flagp_view_drop(struct view_stage *stage)
{
	if (stage == NULL)
		return;
	free(stage->values);
	flagp_piece_drop(stage->texts);
	*stage = (struct view_stage){ .texts = NULL };
}

/* Whether nobody looks at a slot that has long ceased to be current. */
static bool
is_drained(uint32_t slot)
{
	uint64_t in = 0, out = 0;

	for (struct books *books = all_books; books; books = books->next)
		out += __atomic_load_n(&books->thread.out[slot],
				       __ATOMIC_ACQUIRE);	/* O5 */
	for (struct books *books = all_books; books; books = books->next)
		in += __atomic_load_n(&books->thread.in[slot],
				      __ATOMIC_SEQ_CST);	/* O4 */
	return in == out;
}

static bool
order_threads(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)
	       == 0;
}

/* A slot that may be written, or SLOT_NONE. */
static uint32_t
free_slot(void)
{
	uint32_t slot, found = SLOT_NONE;

	flagp_lock(LOCK_VIEWS);
	/* Refused later than at the start (a sandbox): no slot is safe. */
	if (has_membarrier && !order_threads()) {
		flagp_unlock(LOCK_VIEWS);
		return SLOT_NONE;
	}
	for (slot = 0; slot < VIEW_SLOTS && found == SLOT_NONE; slot++)
		if (slot != views.current && is_drained(slot))
			found = slot;
	flagp_unlock(LOCK_VIEWS);
	return found;
}

bool
flagp_view_retry(void)
{
	uint32_t slot;

	if (!is_waiting)
		return false;
	slot = free_slot();
	if (slot == SLOT_NONE)
		return true;
	flagp_view_drop(&held[slot]);
	held[slot] = waiting;
	is_waiting = false;
	views.tables[slot] = waiting.table;
	__atomic_store_n(&views.current, slot, __ATOMIC_SEQ_CST);  /* O4, O6 */
	return false;
}

void
flagp_view_publish(struct view_stage *stage, const uint64_t *epoch)
{
	__atomic_store_n(&views.epoch, epoch, __ATOMIC_RELEASE);
	if (is_waiting)
		flagp_view_drop(&waiting);
	waiting = *stage;
	is_waiting = true;
	(void)flagp_view_retry();
}

/* How many views of a slot are open, as far as these books know; with NULL,
 * in all. */
static uint64_t
open_views(const struct books *only, uint32_t slot)
{
	uint64_t count = 0;

	for (struct books *books = all_books; books; books = books->next)
		if (only == NULL || books == only)
			count += books->thread.in[slot] -
				 books->thread.out[slot];
	return count;
}

static void
close_views_of_others(uint32_t slot)
{
	for (struct books *books = all_books; books; books = books->next)
		if (books != own)
			books->thread.out[slot] = books->thread.in[slot];
}

void
flagp_view_forked(void)
{
	for (uint32_t slot = 0; slot < VIEW_SLOTS; slot++) {
		uint64_t mine = own != NULL ? open_views(own, slot) : 0;

		/* More than there are, or less than none: it cannot tell. */
		if (mine <= open_views(NULL, slot))
			close_views_of_others(slot);
	}
	for (struct books *books = all_books; books; books = books->next)
		books->taken = books == own;
}

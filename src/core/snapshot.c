/* SPDX-License-Identifier: MIT */
/* snapshot.c - what the files say, published whole under liburcu. */
#include "core/snapshot.h"

#define URCU_INLINE_SMALL_FUNCTIONS
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "base/lock.h"
#include "base/text.h"

/* W: flagp_snapshot_publish under LOCK_CHANGE.  R: any, inside a read section
 * (O1). */
static struct snapshot *current;

/* W: flagp_snapshot_init, before there is a snapshot.  R: any. */
static char boot[40];
static bool membarrier_at_start;

/*
 * ThreadSanitizer does not see liburcu's own ordering: tell it what a grace
 * period promises, reader's end before writer's free.
 */
#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifdef TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char grace;
#define READER_LEFT() __tsan_release(&grace)
#define GRACE_OVER() __tsan_acquire(&grace)
#else
#define READER_LEFT() ((void)0)
#define GRACE_OVER() ((void)0)
#endif

struct piece *
flagp_piece_new(enum piece_id id)
{
	struct piece *piece = calloc(1, sizeof(*piece));

	if (piece != NULL) {
		piece->refs = 1;
		piece->id = id;
	}
	return piece;
}

struct piece *
flagp_piece_hold(struct piece *piece)
{
	if (piece != NULL)
		piece->refs++;
	return piece;
}

void
flagp_piece_drop(struct piece *piece)
{
	if (piece == NULL || --piece->refs != 0)
		return;
	flagp_conf_free(piece->conf);
	flagp_record_free(&piece->file);
	free(piece);
}

static const struct record_file *
file_of(const struct snapshot *snapshot, enum piece_id id)
{
	return snapshot->pieces[id] != NULL ? &snapshot->pieces[id]->file :
					      NULL;
}

static const struct record_panic *
panic_of(const struct snapshot *snapshot, enum piece_id id)
{
	/* Stands in for a layer file that could never be understood: it may
	 * have said "off", so every flag stays on its baseline. */
	static const struct record_panic not_understood = { .on = true };

	if (snapshot->baseline && id == PIECE_PANIC_STATE &&
	    (snapshot->pieces[id] == NULL || !snapshot->pieces[id]->panic.on))
		return &not_understood;
	return snapshot->pieces[id] != NULL ? &snapshot->pieces[id]->panic :
					      NULL;
}

void
flagp_snapshot_files(const struct snapshot *snapshot, int64_t wall,
		     struct layers_files *files)
{
	const struct piece *conf = snapshot->pieces[PIECE_CONF];

	files->conf = conf != NULL ? conf->conf : NULL;
	files->overrides[0] = file_of(snapshot, PIECE_OVERRIDES_STATE);
	files->overrides[1] = file_of(snapshot, PIECE_OVERRIDES_RUN);
	files->trips[0] = file_of(snapshot, PIECE_TRIPS_STATE);
	files->trips[1] = file_of(snapshot, PIECE_TRIPS_RUN);
	files->panic[0] = panic_of(snapshot, PIECE_PANIC_STATE);
	files->panic[1] = panic_of(snapshot, PIECE_PANIC_RUN);
	files->wall = wall;
	files->boot = boot;
	files->guess = 0;
}

static void
mix(uint64_t *hash, uint64_t value)
{
	*hash = flagp_text_hash(*hash, &value, sizeof(value));
}

static void
mix_records(struct snapshot *snapshot, const struct record_file *file,
	    int64_t wall)
{
	mix(&snapshot->knowledge, file->generation);
	for (size_t i = 0; i < file->count; i++)
		if (flagp_record_ended(&file->records[i], wall, boot))
			mix(&snapshot->knowledge, file->records[i].generation);
	if (file->generation > snapshot->generation)
		snapshot->generation = file->generation;
}

void
flagp_snapshot_seal(struct snapshot *snapshot, int64_t wall)
{
	snapshot->knowledge = FLAGP_FNV_START;
	snapshot->generation = 0;
	mix(&snapshot->knowledge, snapshot->baseline);
	for (int id = 0; id < PIECE_COUNT; id++) {
		const struct piece *piece = snapshot->pieces[id];

		mix(&snapshot->knowledge, piece != NULL);
		if (piece == NULL)
			continue;
		if (piece->conf != NULL)
			mix(&snapshot->knowledge, piece->conf->digest);
		mix_records(snapshot, &piece->file, wall);
		if (!piece->panic.on)
			continue;
		mix(&snapshot->knowledge, piece->panic.generation);
		if (piece->panic.generation > snapshot->generation)
			snapshot->generation = piece->panic.generation;
	}
}

struct snapshot *
flagp_snapshot_current(void)
{
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE);
}

struct snapshot *
flagp_snapshot_publish(struct snapshot *next)
{
	return __atomic_exchange_n(&current, next, __ATOMIC_ACQ_REL); /* O1 */
}

void
flagp_snapshot_free(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	for (int id = 0; id < PIECE_COUNT; id++)
		flagp_piece_drop(snapshot->pieces[id]);
	free(snapshot);
}

/*
 * liburcu aborts if membarrier worked when the process started and is refused
 * later (a sandbox).  Asked first, the old snapshot is kept instead.
 */
static bool
membarrier_works(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)
	       == 0;
}

static bool
membarrier_offered(void)
{
	long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return offered > 0 &&
	       (offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
}

void
flagp_snapshot_retire(struct snapshot *old)
{
	if (old == NULL)
		return;
	if (membarrier_at_start && !membarrier_works())
		return;		/* kept for ever: readers may be inside */
	urcu_bp_synchronize_rcu();
	GRACE_OVER();
	flagp_lock(LOCK_CHANGE);
	flagp_snapshot_free(old);
	flagp_unlock(LOCK_CHANGE);
}

const struct snapshot *
flagp_snapshot_enter(void)
{
	urcu_bp_read_lock();
	return __atomic_load_n(&current, __ATOMIC_ACQUIRE); /* O1 */
}

void
flagp_snapshot_leave(void)
{
	READER_LEFT();
	urcu_bp_read_unlock();
}

void
flagp_snapshot_init(void)
{
	flagp_record_boot(boot, sizeof(boot));
	membarrier_at_start = membarrier_offered();
}

void
flagp_snapshot_before_fork(void)
{
	urcu_bp_before_fork();
}

void
flagp_snapshot_after_fork_parent(void)
{
	urcu_bp_after_fork_parent();
}

void
flagp_snapshot_after_fork_child(void)
{
	urcu_bp_after_fork_child();
}

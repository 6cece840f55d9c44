/* SPDX-License-Identifier: MIT */
/*
 * test_lock.c - the writer lock file keeps processes and threads apart, ends
 * with its holder and its time, and a fork child starts with free locks.
 */
#include "base/lock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "folder.h"
#include "suite.h"

#define LOCK "lock"
#define ROUNDS 100
#define LONG_MS 60000

/* Enters and leaves the section that only one may be in. */
static int
enter_once(int directory)
{
	int lock, inside;

	lock = flagp_lock_file(directory, LOCK, LONG_MS);
	if (lock < 3)
		return 1;
	inside = openat(directory, "inside", O_CREAT | O_EXCL | O_WRONLY,
			0600);
	if (inside < 0)
		return 2;
	sched_yield();
	close(inside);
	unlinkat(directory, "inside", 0);
	flagp_lock_file_release(lock);
	return 0;
}

static int
enter_often(void *data)
{
	const struct folder *folder = data;
	int i, code = 0;

	for (i = 0; i < ROUNDS && code == 0; i++)
		code = enter_once(folder->descriptor);
	return code;
}

static void *
enter_in_thread(void *data)
{
	return enter_often(data) == 0 ? NULL : data;
}

START_TEST(siblings_and_threads_are_kept_apart)
{
	struct folder folder = folder_make();
	pthread_t threads[2];
	pid_t children[2];
	void *failed;
	int i, status;

	for (i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(enter_often(&folder));
	}
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						enter_in_thread, &folder), 0);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
		ck_assert_int_eq(waitpid(children[i], &status, 0),
				 children[i]);
		ck_assert_int_eq(status, 0);
	}
	folder_remove(&folder);
}
END_TEST

struct holder {
	pid_t pid;
	int ready;			/* a byte when it holds the lock */
};

/* A child that takes the lock and keeps it until it is killed. */
static struct holder
hold(const struct folder *folder)
{
	struct holder holder;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	holder.pid = fork();
	ck_assert_int_ge(holder.pid, 0);
	if (holder.pid == 0) {
		byte = flagp_lock_file(folder->descriptor, LOCK,
				       LONG_MS) >= 0;
		if (write(ends[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	holder.ready = ends[0];
	ck_assert_int_eq(read(holder.ready, &byte, 1), 1);
	ck_assert_int_eq(byte, 1);
	return holder;
}

static void
end(struct holder *holder)
{
	ck_assert_int_eq(kill(holder->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(holder->pid, NULL, 0), holder->pid);
	close(holder->ready);
}

START_TEST(waiting_ends_and_a_dead_holder_frees)
{
	struct folder folder = folder_make();
	struct holder holder = hold(&folder);
	int lock;

	ck_assert_int_eq(flagp_lock_file(folder.descriptor, LOCK, 0),
			 -EBUSY);
	ck_assert_int_eq(flagp_lock_file(folder.descriptor, LOCK, 30),
			 -EBUSY);
	end(&holder);
	lock = flagp_lock_file(folder.descriptor, LOCK, LONG_MS);
	ck_assert_int_ge(lock, 3);
	flagp_lock_file_release(lock);
	folder_remove(&folder);
}
END_TEST

/* A fork child keeps the descriptor; the lock is its parent's alone. */
static int
try_as_child(void *data)
{
	const struct folder *folder = data;

	flagp_lock_reset();
	return flagp_lock_file(folder->descriptor, LOCK, 10) == -EBUSY ? 0 :
									 1;
}

static int
take_as_child(void *data)
{
	const struct folder *folder = data;
	int lock;

	flagp_lock_reset();
	lock = flagp_lock_file(folder->descriptor, LOCK, LONG_MS);
	return lock >= 3 ? 0 : 1;
}

START_TEST(child_does_not_inherit_the_lock)
{
	struct folder folder = folder_make();
	int lock = flagp_lock_file(folder.descriptor, LOCK, LONG_MS);

	ck_assert_int_ge(lock, 3);
	ck_assert_int_eq(folder_fork(try_as_child, &folder), 0);
	/* Its end has not freed the parent's lock either. */
	ck_assert_int_eq(folder_fork(try_as_child, &folder), 0);
	flagp_lock_file_release(lock);
	ck_assert_int_eq(folder_fork(take_as_child, &folder), 0);
	folder_remove(&folder);
}
END_TEST

static void *
try_in_thread(void *data)
{
	const struct folder *folder = data;

	return flagp_lock_file(folder->descriptor, LOCK, 10) == -EBUSY ?
	       NULL : data;
}

START_TEST(another_thread_is_busy_too)
{
	struct folder folder = folder_make();
	int lock = flagp_lock_file(folder.descriptor, LOCK, LONG_MS);
	pthread_t thread;
	void *failed;

	ck_assert_int_ge(lock, 3);
	ck_assert_int_eq(pthread_create(&thread, NULL, try_in_thread,
					&folder), 0);
	pthread_join(thread, &failed);
	ck_assert_ptr_null(failed);
	flagp_lock_file_release(lock);
	folder_remove(&folder);
}
END_TEST

START_TEST(removed_lock_file_is_made_again)
{
	struct folder folder = folder_make();
	struct holder holder = hold(&folder);
	int lock;

	ck_assert_int_eq(unlinkat(folder.descriptor, LOCK, 0), 0);
	lock = flagp_lock_file(folder.descriptor, LOCK, LONG_MS);
	ck_assert_int_ge(lock, 3);
	ck_assert_int_eq(folder_fork(try_as_child, &folder), 0);
	flagp_lock_file_release(lock);
	end(&holder);
	folder_remove(&folder);
}
END_TEST

START_TEST(failure_holds_nothing)
{
	struct folder folder = folder_make();
	struct stat info;
	int lock;

	ck_assert_int_eq(flagp_lock_file(-1, LOCK, 10), -EBADF);
	ck_assert_int_eq(symlinkat("/dev/null", folder.descriptor, "link"),
			 0);
	ck_assert_int_eq(flagp_lock_file(folder.descriptor, "link", 10),
			 -ELOOP);
	lock = flagp_lock_file(folder.descriptor, LOCK, LONG_MS);
	ck_assert_int_ge(lock, 3);
	ck_assert_int_eq(fstat(lock, &info), 0);
	ck_assert_uint_eq(info.st_mode & 07777, 0660);
	flagp_lock_file_release(lock);
	ck_assert_uint_eq(folder_count(&folder), 2);
	folder_remove(&folder);
}
END_TEST

static void *
take_all(void *data)
{
	pthread_barrier_t *barrier = data;

	flagp_lock(LOCK_CHANGE);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	flagp_unlock(LOCK_CHANGE);
	return NULL;
}

static int
reset_and_take(void *data)
{
	(void)data;
	flagp_lock_reset();
	flagp_lock_all();
	flagp_unlock_all();
	return 0;
}

START_TEST(child_starts_with_free_locks)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	int status;

	pthread_barrier_init(&barrier, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_all, &barrier),
			 0);
	pthread_barrier_wait(&barrier);
	status = folder_fork(reset_and_take, NULL);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	ck_assert_int_eq(status, 0);
	/* As a fork handler does it, with all of them held. */
	flagp_lock_all();
	status = folder_fork(reset_and_take, NULL);
	flagp_unlock_all();
	ck_assert_int_eq(status, 0);
	flagp_lock_all();
	flagp_unlock_all();
	pthread_barrier_destroy(&barrier);
}
END_TEST

static int
take_in_wrong_order(void *data)
{
	const struct rlimit *limit = data;

	setrlimit(RLIMIT_CORE, limit);
	flagp_lock(LOCK_REGISTRY);
	flagp_lock(LOCK_CHANGE);
	return 0;
}

START_TEST(wrong_order_ends_a_debug_build_only)
{
	struct rlimit limit = { 0, 0 };
	int status = folder_fork(take_in_wrong_order, &limit);

#ifdef FLAGP_DEBUG
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		siblings_and_threads_are_kept_apart,
		waiting_ends_and_a_dead_holder_frees,
		child_does_not_inherit_the_lock, another_thread_is_busy_too,
		removed_lock_file_is_made_again, failure_holds_nothing,
		child_starts_with_free_locks,
		wrong_order_ends_a_debug_build_only, NULL
	};

	return suite_run("lock", tests);
}

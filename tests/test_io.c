/* SPDX-License-Identifier: MIT */
/*
 * test_io.c - small files: what is refused to read, that a replacement is
 * whole or not there, and what the directories must be like.
 */
#include "base/io.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include "base/error.h"
#include "folder.h"
#include "suite.h"

#define NOBODY 65534

static char *
read_back(const struct folder *folder, const char *name, struct text *text)
{
	flagp_text_free(text);
	ck_assert_int_eq(flagp_io_read(folder->descriptor, name, 1 << 20,
				       text, NULL), 0);
	return text->data;
}

START_TEST(replace_and_read_round_trip)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;
	struct io_mark mark, again;
	char *large = calloc(1, 300000);

	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", "one", 3,
					  true), 0);
	ck_assert_str_eq(read_back(&folder, "a", &text), "one");
	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", "", 0,
					  false), 0);
	ck_assert_str_eq(read_back(&folder, "a", &text), "");
	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", large,
					  300000, false), 0);
	ck_assert_int_eq(flagp_io_read(folder.descriptor, "a", 300000, &text,
				       &mark), 0);
	ck_assert_uint_eq(text.size, 300000);
	ck_assert_uint_eq(mark.size, 300000);
	again = flagp_io_mark(folder.descriptor, "a");
	ck_assert(flagp_io_same(&mark, &again));
	ck_assert_uint_eq(folder_count(&folder), 1);
	free(large);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

START_TEST(read_appends)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;

	folder_put(&folder, "a", "b\0c", 3);
	flagp_text_add(&text, "x");
	ck_assert_int_eq(flagp_io_read(folder.descriptor, "a", 3, &text,
				       NULL), 0);
	ck_assert_uint_eq(text.size, 4);
	ck_assert_int_eq(memcmp(text.data, "xb\0c", 5), 0);
	/* A failure leaves what was there. */
	ck_assert_int_eq(flagp_io_read(folder.descriptor, "a", 2, &text,
				       NULL), -EFBIG);
	ck_assert_uint_eq(text.size, 4);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

static void
check_refused(int directory, const char *name, int code)
{
	struct io_mark mark = { .exists = true };
	struct text text = TEXT_INIT;

	ck_assert_int_eq(flagp_io_read(directory, name, 1000, &text, &mark),
			 code);
	ck_assert(!mark.exists);
	ck_assert_uint_eq(text.size, 0);
	flagp_text_free(&text);
}

START_TEST(read_refuses_what_is_no_small_file)
{
	struct folder folder = folder_make();
	char large[1001] = "";

	ck_assert_int_eq(mkfifoat(folder.descriptor, "fifo", 0600), 0);
	ck_assert_int_eq(mkdirat(folder.descriptor, "directory", 0700), 0);
	ck_assert_int_eq(symlinkat("nowhere", folder.descriptor, "gone"), 0);
	ck_assert_int_eq(symlinkat("loop", folder.descriptor, "loop"), 0);
	folder_put(&folder, "large", large, sizeof(large));
	check_refused(folder.descriptor, "fifo", -EINVAL);
	check_refused(folder.descriptor, "directory", -EISDIR);
	check_refused(folder.descriptor, "large", -EFBIG);
	check_refused(folder.descriptor, "missing", -ENOENT);
	check_refused(folder.descriptor, "gone", -ENOENT);
	check_refused(folder.descriptor, "loop", -ELOOP);
	check_refused(AT_FDCWD, "/dev/zero", -EINVAL);
	/* Says that it has no byte, and has some. */
	check_refused(AT_FDCWD, "/proc/self/status", -EFBIG);
	check_refused(AT_FDCWD, "/proc/self/loginuid", -EAGAIN);
	folder_remove(&folder);
}
END_TEST

START_TEST(mark_tells_states_apart)
{
	struct folder folder = folder_make();
	struct io_mark none, first, second, third;
	const struct timespec past[2] = { { 1, 0 }, { 1, 0 } };

	none = flagp_io_mark(folder.descriptor, "a");
	ck_assert(!none.exists);
	ck_assert(flagp_io_same(&none, &none));
	folder_put(&folder, "a", "1", 1);
	first = flagp_io_mark(folder.descriptor, "a");
	ck_assert(!flagp_io_same(&none, &first));
	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", "2", 1,
					  false), 0);
	second = flagp_io_mark(folder.descriptor, "a");
	ck_assert(!flagp_io_same(&first, &second));
	ck_assert_int_eq(utimensat(folder.descriptor, "a", past, 0), 0);
	third = flagp_io_mark(folder.descriptor, "a");
	ck_assert(!flagp_io_same(&second, &third));
	ck_assert_int_eq(third.mtime_ns, 1000000000);
	folder_remove(&folder);
}
END_TEST

/* A replacement that fails leaves the old file and no temporary. */
static void
check_failed_replace(const struct folder *folder, const char *name,
		     size_t size, int code)
{
	char *data = calloc(1, size);
	unsigned before = folder_count(folder);

	ck_assert_int_eq(flagp_io_replace(folder->descriptor, name, data,
					  size, true), code);
	ck_assert_uint_eq(folder_count(folder), before);
	free(data);
}

START_TEST(failed_replace_leaves_the_old_file)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;
	char name[252];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(mkdirat(folder.descriptor, "directory", 0700), 0);
	folder_put(&folder, "a", "old", 3);
	folder_put(&folder, name, "old", 3);
	/* No room for the temporary's name; a rename that cannot be. */
	check_failed_replace(&folder, name, 3, -ENAMETOOLONG);
	check_failed_replace(&folder, "directory", 3, -EISDIR);
	ck_assert_str_eq(read_back(&folder, name, &text), "old");
	ck_assert_int_eq(flagp_io_replace(-1, "a", "new", 3, true), -EBADF);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

/* In a child: the limit stays with it. */
static int
write_past_limit(void *data)
{
	const struct folder *folder = data;
	const struct rlimit limit = { 100, 100 };
	char large[1000] = "";
	sigset_t set;
	int code;

	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	code = flagp_io_replace(folder->descriptor, "a", large, 1000, true);
	if (code != -EFBIG)
		return 2;
	/* The signal neither killed us nor waits for its turn. */
	sigemptyset(&set);
	if (sigpending(&set) != 0 || sigismember(&set, SIGXFSZ) != 0)
		return 3;
	if (pthread_sigmask(SIG_BLOCK, NULL, &set) != 0 ||
	    sigismember(&set, SIGXFSZ) != 0)
		return 4;
	return flagp_io_replace(folder->descriptor, "b", large, 100, false);
}

START_TEST(file_size_limit_neither_kills_nor_tears)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;
	int status;

	folder_put(&folder, "a", "old", 3);
	status = folder_fork(write_past_limit, &folder);
	ck_assert_msg(status == 0, "wait status %d", status);
	ck_assert_uint_eq(folder_count(&folder), 2);
	ck_assert_str_eq(read_back(&folder, "a", &text), "old");
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

/* A SIGXFSZ that the host had pending before is still there afterwards. */
static int
keep_pending(void *data)
{
	const struct folder *folder = data;
	const struct rlimit limit = { 10, 10 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
	    pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    raise(SIGXFSZ) != 0)
		return 1;
	if (flagp_io_replace(folder->descriptor, "a", "more than ten", 13,
			     false) != -EFBIG)
		return 2;
	sigemptyset(&set);
	sigpending(&set);
	return sigismember(&set, SIGXFSZ) == 1 ? 0 : 3;
}

START_TEST(pending_signal_of_the_host_is_kept)
{
	struct folder folder = folder_make();

	ck_assert_int_eq(folder_fork(keep_pending, &folder), 0);
	folder_remove(&folder);
}
END_TEST

/* In a child, as an ordinary user. */
static int
replace_unprivileged(void *data)
{
	const struct folder *folder = data;

	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		return 1;
	return flagp_io_replace(folder->descriptor, "a", "new", 3, false) ==
	       -EACCES ? 0 : 2;
}

START_TEST(read_only_directory_keeps_the_old_file)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;

	folder_put(&folder, "a", "old", 3);
	ck_assert_int_eq(fchmod(folder.descriptor, 0555), 0);
	ck_assert_int_eq(folder_fork(replace_unprivileged, &folder), 0);
	ck_assert_uint_eq(folder_count(&folder), 1);
	ck_assert_str_eq(read_back(&folder, "a", &text), "old");
	ck_assert_int_eq(fchmod(folder.descriptor, 0755), 0);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

START_TEST(left_temporaries_do_not_block)
{
	struct folder folder = folder_make();
	char name[64];
	int i;

	/* As a process of this number may have left them when it was killed;
	 * one of them a link that must not be followed. */
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), ".a.%d.%d.tmp", (int)getpid(),
			 i);
		ck_assert_int_eq(symlinkat("victim", folder.descriptor, name),
				 0);
	}
	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", "new", 3,
					  false), 0);
	ck_assert(flagp_io_mark(folder.descriptor, "a").exists);
	ck_assert(!flagp_io_mark(folder.descriptor, "victim").exists);
	ck_assert_uint_eq(folder_count(&folder), 9);
	folder_remove(&folder);
}
END_TEST

static struct stat
info_of(const struct folder *folder, const char *name)
{
	struct stat info;

	ck_assert_int_eq(fstatat(folder->descriptor, name, &info,
				 AT_SYMLINK_NOFOLLOW), 0);
	return info;
}

START_TEST(files_get_the_mode_and_owner_of_the_place)
{
	struct folder folder = folder_make();
	mode_t mask = umask(0077);
	struct stat place, info;

	/* As root, the files of a service's directory become the service's. */
	if (geteuid() == 0)
		ck_assert_int_eq(fchown(folder.descriptor, NOBODY, NOBODY),
				 0);
	ck_assert_int_eq(flagp_io_replace(folder.descriptor, "a", "x", 1,
					  false), 0);
	ck_assert_int_eq(flagp_io_create(folder.descriptor, "b"), 0);
	place = info_of(&folder, ".");
	info = info_of(&folder, "a");
	ck_assert_uint_eq(info.st_mode & 07777, 0660);
	ck_assert_uint_eq(info.st_uid, place.st_uid);
	ck_assert_uint_eq(info.st_gid, place.st_gid);
	info = info_of(&folder, "b");
	ck_assert_uint_eq(info.st_mode & 07777, 0660);
	ck_assert_uint_eq(info.st_uid, place.st_uid);
	umask(mask);
	folder_remove(&folder);
}
END_TEST

START_TEST(create_keeps_what_is_there)
{
	struct folder folder = folder_make();
	struct text text = TEXT_INIT;

	folder_put(&folder, "a", "old", 3);
	ck_assert_int_eq(flagp_io_create(folder.descriptor, "a"), 0);
	ck_assert_str_eq(read_back(&folder, "a", &text), "old");
	ck_assert_uint_eq(folder_count(&folder), 1);
	flagp_text_free(&text);
	folder_remove(&folder);
}
END_TEST

START_TEST(remove_takes_the_file_away)
{
	struct folder folder = folder_make();

	folder_put(&folder, "a", "x", 1);
	ck_assert_int_eq(flagp_io_remove(folder.descriptor, "a", true), 0);
	ck_assert_uint_eq(folder_count(&folder), 0);
	ck_assert_int_eq(flagp_io_remove(folder.descriptor, "a", true),
			 -ENOENT);
	folder_remove(&folder);
}
END_TEST

/* In a child: opens and replaces with 0 to 2 closed. */
static int
open_with_low_closed(void *data)
{
	const struct folder *folder = data;
	int descriptor;

	close(0);
	close(1);
	close(2);
	descriptor = flagp_io_open(folder->descriptor, "a", O_RDONLY, 0);
	if (descriptor < 3)
		return 1;
	if ((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0)
		return 2;
	/* None of the low ones was left open. */
	if (fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 ||
	    fcntl(2, F_GETFD) != -1)
		return 3;
	return 0;
}

START_TEST(descriptors_are_above_two)
{
	struct folder folder = folder_make();

	folder_put(&folder, "a", "x", 1);
	ck_assert_int_eq(folder_fork(open_with_low_closed, &folder), 0);
	ck_assert_int_eq(flagp_io_open(folder.descriptor, "none", O_RDONLY,
				       0), -ENOENT);
	folder_remove(&folder);
}
END_TEST

START_TEST(directories_are_made_with_their_parents)
{
	struct folder folder = folder_make();
	mode_t mask = umask(0077);
	struct stat info;
	char path[128];
	int descriptor;

	snprintf(path, sizeof(path), "%s/p//q/live/", folder.path);
	ck_assert_int_eq(flagp_io_open_directory(path, false, 02770),
			 -ENOENT);
	descriptor = flagp_io_open_directory(path, true, 02770);
	ck_assert_int_ge(descriptor, 3);
	ck_assert_int_eq(fstat(descriptor, &info), 0);
	ck_assert_uint_eq(info.st_mode & 07777, 02770);
	close(descriptor);
	info = info_of(&folder, "p/q");
	ck_assert_uint_eq(info.st_mode & 07777, 0755);
	/* One that is there keeps its mode. */
	ck_assert_int_eq(fchmodat(folder.descriptor, "p/q/live", 0750, 0), 0);
	descriptor = flagp_io_open_directory(path, true, 02770);
	ck_assert_int_ge(descriptor, 3);
	close(descriptor);
	info = info_of(&folder, "p/q/live");
	ck_assert_uint_eq(info.st_mode & 07777, 0750);
	umask(mask);
	folder_remove(&folder);
}
END_TEST

START_TEST(unsafe_or_absurd_directories_are_refused)
{
	struct folder folder = folder_make();
	char path[2 * FLAGP_PATH_SIZE];
	int descriptor;

	snprintf(path, sizeof(path), "%s/a", folder.path);
	folder_put(&folder, "a", "x", 1);
	ck_assert_int_eq(flagp_io_open_directory(path, true, 02770),
			 -ENOTDIR);
	ck_assert_int_eq(fchmod(folder.descriptor, 0777), 0);
	ck_assert_int_eq(flagp_io_open_directory(folder.path, false, 0),
			 -EPERM);
	ck_assert_int_eq(fchmod(folder.descriptor, 01777), 0);
	descriptor = flagp_io_open_directory(folder.path, false, 0);
	ck_assert_int_ge(descriptor, 3);
	close(descriptor);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(flagp_io_open_directory(path, true, 02770),
			 -ENAMETOOLONG);
	folder_remove(&folder);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		replace_and_read_round_trip, read_appends,
		read_refuses_what_is_no_small_file, mark_tells_states_apart,
		failed_replace_leaves_the_old_file,
		file_size_limit_neither_kills_nor_tears,
		pending_signal_of_the_host_is_kept,
		read_only_directory_keeps_the_old_file,
		left_temporaries_do_not_block,
		files_get_the_mode_and_owner_of_the_place,
		create_keeps_what_is_there, remove_takes_the_file_away,
		descriptors_are_above_two,
		directories_are_made_with_their_parents,
		unsafe_or_absurd_directories_are_refused, NULL
	};

	return suite_run("io", tests);
}

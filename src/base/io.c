/* SPDX-License-Identifier: MIT */
/* io.c - see io.h. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"

#define FILE_MODE 0660
#define PARENT_MODE 0755
#define NAME_SIZE 256
#define TEMPORARY_TRIES 64	/* names that dead processes may have left */

/* W and R: any thread that makes a temporary.  Order: relaxed, a number. */
static unsigned temporary_number;

int
flagp_io_above_2(int descriptor)
{
	int moved, code;

	if (descriptor > 2)
		return descriptor;
	moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
	code = errno;
	close(descriptor);
	return moved < 0 ? -code : moved;
}

int
flagp_io_open(int directory, const char *name, int flags, mode_t mode)
{
	int descriptor;

	do
		descriptor = openat(directory, name, flags | O_CLOEXEC, mode);
	while (descriptor < 0 && errno == EINTR);
	return descriptor < 0 ? -errno : flagp_io_above_2(descriptor);
}

/*
 * As root, gives a new file or directory the owner and group of the directory
 * that it stands in, so that the service can go on using it.  Not all user
 * namespaces can; then setgid directories must do.
 */
static void
adopt(int descriptor, int directory)
{
	struct stat info;

	if (geteuid() != 0 || fstatat(directory, ".", &info, 0) != 0)
		return;
	if (fchown(descriptor, info.st_uid, info.st_gid) != 0)
		(void)!fchown(descriptor, (uid_t)-1, info.st_gid);
}

/* Makes one directory, unless it is there already.  0 or -errno. */
static int
make_directory(int parent, const char *name, mode_t mode)
{
	int descriptor, code = 0;

	if (mkdirat(parent, name, mode & 0777) != 0)
		return errno == EEXIST ? 0 : -errno;
	descriptor = flagp_io_open(parent, name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (descriptor < 0)
		return descriptor;
	adopt(descriptor, parent);
	/* Not left to mkdir: the umask, and setgid, which it ignores. */
	if (fchmod(descriptor, mode) != 0)
		code = -errno;
	close(descriptor);
	return code;
}

/*
 * Opens name in *at, made if it is missing, and puts it in the place of *at.
 * O_PATH: a parent need not be readable.
 */
static int
step_down(int *at, const char *name, mode_t mode)
{
	int next, code;

	next = flagp_io_open(*at, name, O_PATH | O_DIRECTORY, 0);
	if (next == -ENOENT) {
		code = make_directory(*at, name, mode);
		if (code != 0)
			return code;
		next = flagp_io_open(*at, name, O_PATH | O_DIRECTORY, 0);
	}
	if (next < 0)
		return next;
	if (*at >= 0)
		close(*at);
	*at = next;
	return 0;
}

/* Makes path and the parents that are missing. */
static int
make_path(const char *path, mode_t mode)
{
	char copy[FLAGP_PATH_SIZE], *name, *rest = NULL, *next;
	int at = AT_FDCWD, code = 0;

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	if (path[0] == '/')
		code = step_down(&at, "/", PARENT_MODE);
	name = strtok_r(copy, "/", &rest);
	for (; code == 0 && name != NULL; name = next) {
		next = strtok_r(NULL, "/", &rest);
		code = step_down(&at, name, next == NULL ? mode : PARENT_MODE);
	}
	if (at >= 0)
		close(at);
	return code;
}

bool
flagp_io_is_open_to_all(int descriptor)
{
	struct stat info;
	struct statvfs system;

	if (fstat(descriptor, &info) != 0 ||
	    (info.st_mode & (S_IWOTH | S_ISVTX)) != S_IWOTH)
		return false;
	return fstatvfs(descriptor, &system) != 0 ||
	       (system.f_flag & ST_RDONLY) == 0;
}

int
flagp_io_open_directory(const char *path, bool create, mode_t mode)
{
	int descriptor, code;

	descriptor = flagp_io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (descriptor == -ENOENT && create) {
		code = make_path(path, mode);
		if (code != 0)
			return code;
		descriptor = flagp_io_open(AT_FDCWD, path,
					   O_RDONLY | O_DIRECTORY, 0);
	}
	if (descriptor < 0 || !flagp_io_is_open_to_all(descriptor))
		return descriptor;
	close(descriptor);
	return -EPERM;
}

static int64_t
nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static struct io_mark
mark_of(const struct stat *info)
{
	return (struct io_mark) {
		.device = info->st_dev,
		.inode = info->st_ino,
		.size = (uint64_t)info->st_size,
		.mtime_ns = nanoseconds(&info->st_mtim),
		.ctime_ns = nanoseconds(&info->st_ctim),
		.exists = true
	};
}

struct io_mark
flagp_io_mark(int directory, const char *name)
{
	struct stat info;

	if (fstatat(directory, name, &info, 0) != 0)
		return (struct io_mark) { 0 };
	return mark_of(&info);
}

bool
flagp_io_same(const struct io_mark *a, const struct io_mark *b)
{
	if (!a->exists || !b->exists)
		return a->exists == b->exists;
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

/* The mark of an open regular file of at most limit bytes. */
static int
check_regular(int descriptor, size_t limit, struct io_mark *mark)
{
	struct stat info;

	if (fstat(descriptor, &info) != 0)
		return -errno;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	if ((uint64_t)info.st_size > limit)
		return -EFBIG;
	*mark = mark_of(&info);
	return 0;
}

/* Appends what is left of a file to text, at most limit bytes. */
static int
read_rest(int descriptor, size_t limit, struct text *text)
{
	size_t start = text->size;
	char buffer[16384];
	ssize_t got;

	for (;;) {
		got = read(descriptor, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if ((size_t)got > limit - (text->size - start))
			return -EFBIG;
		flagp_text_add_bytes(text, buffer, (size_t)got);
		if (text->failed)
			return -ENOMEM;
		if (got == 0)
			return 0;
	}
}

int
flagp_io_read(int directory, const char *name, size_t limit,
	      struct text *text, struct io_mark *mark)
{
	struct io_mark before = { 0 }, after = { 0 };
	size_t start = text->size;
	int descriptor, code;

	if (mark != NULL)
		*mark = before;
	/* O_NONBLOCK: opening a FIFO does not wait for its writer. */
	descriptor = flagp_io_open(directory, name,
				   O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (descriptor < 0)
		return descriptor;
	code = check_regular(descriptor, limit, &before);
	if (code == 0)
		code = read_rest(descriptor, limit, text);
	if (code == 0)
		code = check_regular(descriptor, limit, &after);
	close(descriptor);
	if (code == 0 && (!flagp_io_same(&before, &after) ||
			  text->size - start != after.size))
		code = -EAGAIN;
	if (code == 0 && mark != NULL)
		*mark = after;
	if (code != 0 && text->size > start) {
		text->size = start;
		text->data[start] = '\0';
	}
	return code;
}

/*
 * A write past RLIMIT_FSIZE sends SIGXFSZ, whose default action ends the
 * host.  It is blocked meanwhile, and taken away if it was our write that
 * raised it: then it is pending for this thread and was not before.
 */
struct quiet {
	sigset_t old;
	bool pending;
};

static void
quiet_begin(struct quiet *quiet)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, &quiet->old);
	sigemptyset(&set);
	sigpending(&set);
	quiet->pending = sigismember(&set, SIGXFSZ) == 1;
}

static void
quiet_end(struct quiet *quiet, bool raised)
{
	static const struct timespec now = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	if (raised && !quiet->pending)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &quiet->old, NULL);
}

int
flagp_io_write(int descriptor, const void *data, size_t size)
{
	const char *at = data;
	struct quiet quiet;
	ssize_t put;
	int code = 0;

	quiet_begin(&quiet);
	while (size > 0 && code == 0) {
		put = write(descriptor, at, size);
		if (put > 0) {
			at += put;
			size -= (size_t)put;
		} else if (put == 0) {
			code = -EIO;
		} else if (errno != EINTR) {
			code = -errno;
		}
	}
	quiet_end(&quiet, code == -EFBIG);
	return code;
}

int
flagp_io_write_at(int descriptor, const void *data, size_t size, off_t offset)
{
	struct quiet quiet;
	ssize_t put;
	int code = 0;

	quiet_begin(&quiet);
	do
		put = pwrite(descriptor, data, size, offset);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		code = -errno;
	else if ((size_t)put != size)
		code = -EIO;
	quiet_end(&quiet, code == -EFBIG);
	return code;
}

int
flagp_io_set_size(int descriptor, size_t size)
{
	struct quiet quiet;
	int code;

	quiet_begin(&quiet);
	code = ftruncate(descriptor, (off_t)size) != 0 ? -errno : 0;
	quiet_end(&quiet, code == -EFBIG);
	return code;
}

int
flagp_io_sync(int descriptor)
{
	int code;

	do
		code = fsync(descriptor) != 0 ? -errno : 0;
	while (code == -EINTR);
	return code;
}

/*
 * Creates a file that nobody else has, with the mode and owner that ours get,
 * and writes its name into temporary.  A descriptor, or -errno.
 */
static int
open_temporary(int directory, const char *name, char temporary[NAME_SIZE])
{
	int descriptor = -EEXIST, length, tries, code;
	unsigned number;

	for (tries = 0; descriptor == -EEXIST && tries < TEMPORARY_TRIES;
	     tries++) {
		number = __atomic_fetch_add(&temporary_number, 1,
					    __ATOMIC_RELAXED);
		length = snprintf(temporary, NAME_SIZE, ".%s.%d.%u.tmp", name,
				  (int)getpid(), number);
		if (length < 0 || length >= NAME_SIZE)
			return -ENAMETOOLONG;
		descriptor = flagp_io_open(directory, temporary,
					   O_WRONLY | O_CREAT | O_EXCL |
					   O_NOFOLLOW, 0600);
	}
	if (descriptor < 0)
		return descriptor;
	adopt(descriptor, directory);
	if (fchmod(descriptor, FILE_MODE) == 0)
		return descriptor;
	code = -errno;
	close(descriptor);
	unlinkat(directory, temporary, 0);
	return code;
}

int
flagp_io_replace(int directory, const char *name, const void *data,
		 size_t size, bool durable)
{
	char temporary[NAME_SIZE];
	int descriptor, code;

	descriptor = open_temporary(directory, name, temporary);
	if (descriptor < 0)
		return descriptor;
	code = flagp_io_write(descriptor, data, size);
	if (code == 0 && durable)
		code = flagp_io_sync(descriptor);
	if (close(descriptor) != 0 && code == 0 && errno != EINTR)
		code = -errno;
	if (code == 0 && renameat(directory, temporary, directory, name) != 0)
		code = -errno;
	if (code != 0) {
		unlinkat(directory, temporary, 0);
		return code;
	}
	return durable && flagp_io_sync(directory) != 0 ? 1 : 0;
}

int
flagp_io_create(int directory, const char *name)
{
	char temporary[NAME_SIZE];
	int descriptor, code = 0;

	descriptor = open_temporary(directory, name, temporary);
	if (descriptor < 0)
		return descriptor;
	close(descriptor);
	if (linkat(directory, temporary, directory, name, 0) != 0)
		code = -errno;
	unlinkat(directory, temporary, 0);
	return code == -EEXIST ? 0 : code;
}

int
flagp_io_remove(int directory, const char *name, bool durable)
{
	if (unlinkat(directory, name, 0) != 0)
		return -errno;
	return durable ? flagp_io_sync(directory) : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * io.h - small files, read whole and replaced whole.
 *
 * Every descriptor is close-on-exec and at least 3, so that a host that
 * started with 0 to 2 closed never prints into our files.
 */
#ifndef FLAGP_IO_H
#define FLAGP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "ripcord.h"

/* What identifies one state of one file without reading it. */
struct io_mark {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
	bool exists;
};

/* Moves a descriptor of 0..2 up, close-on-exec.  Async-signal-safe.  The new
 * one, or -errno with the old one closed. */
int flagp_io_above_2(int descriptor);

/* Opens like openat(2), adding O_CLOEXEC and moving 0..2 up.  -errno. */
int flagp_io_open(int directory, const char *name, int flags, mode_t mode);

/*
 * Opens a directory; creates it with mode if create is set (parents too, with
 * 0755; as root, with the owner and group of what they stand in).  Refuses one
 * that is open to all: -EPERM.  Else -errno.
 */
int flagp_io_open_directory(const char *path, bool create, mode_t mode);

/*
 * Whether anybody on this machine may write into an open directory or file:
 * its mode says so, it is not sticky, and it is not mounted read-only (as
 * orchestrators do with folders of mode 0777).
 */
bool flagp_io_is_open_to_all(int descriptor);

/* The mark of name; exists is false where it is not or cannot be seen. */
struct io_mark flagp_io_mark(int directory, const char *name);
bool flagp_io_same(const struct io_mark *a, const struct io_mark *b);

/*
 * Reads a regular file whole into text (appending), with a NUL behind it.
 * Never blocks on a FIFO; refuses directories and devices, more than limit
 * bytes, and a file that changes meanwhile (-EAGAIN: try again).  mark may be
 * NULL, else receives the mark of what was read.  Returns 0 or -errno.
 */
int flagp_io_read(int directory, const char *name, size_t limit,
		  struct text *text, struct io_mark *mark);

/*
 * Replaces a file by temporary, write, [fsync,] rename[, fsync of the
 * directory].  The rename is the commit.  The file gets mode 0660, and where
 * the caller is root, the directory's owner and group.  No temporary is left
 * on failure.  SIGXFSZ is blocked meanwhile.  Returns 0 or -errno; if only the
 * last fsync failed, the file stands and the answer is 1.
 */
int flagp_io_replace(int directory, const char *name, const void *data,
		     size_t size, bool durable);

/*
 * Writes size bytes, in one call unless the kernel takes fewer.  A limit on the
 * size of files is an error and no signal.  0, or -errno: then some of them may
 * have been written.
 */
int flagp_io_write(int descriptor, const void *data, size_t size);

/* fsync(2) of a file or directory.  0, or -errno. */
int flagp_io_sync(int descriptor);

/*
 * Writes size bytes at an offset.  A limit on the size of files is an error
 * and no signal.  Async-signal-safe.  0, or -errno.
 */
int flagp_io_write_at(int descriptor, const void *data, size_t size,
		      off_t offset);

/* Sets the size of an open file; a limit as above.  0, or -errno. */
int flagp_io_set_size(int descriptor, size_t size);

/*
 * Makes an empty file with that mode and owner, unless there is one.  It never
 * stands there with another mode.  Returns 0 or -errno.
 */
int flagp_io_create(int directory, const char *name);

/* Removes a file; with durable, syncs the directory.  0, or -errno. */
int flagp_io_remove(int directory, const char *name, bool durable);

#endif

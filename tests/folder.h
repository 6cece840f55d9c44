/* SPDX-License-Identifier: MIT */
/* folder.h - a temporary directory for one test, and what stands in it. */
#ifndef FOLDER_H
#define FOLDER_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct folder {
	char path[64];
	int descriptor;
};

static inline struct folder
folder_make(void)
{
	struct folder folder = { "/tmp/ripcord-test.XXXXXX", -1 };

	ck_assert_ptr_nonnull(mkdtemp(folder.path));
	folder.descriptor = open(folder.path, O_RDONLY | O_DIRECTORY |
					      O_CLOEXEC);
	ck_assert_int_ge(folder.descriptor, 0);
	return folder;
}

static inline int
folder_remove_one(const char *path, const struct stat *info, int kind,
		  struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline void
folder_remove(struct folder *folder)
{
	close(folder->descriptor);
	ck_assert_int_eq(nftw(folder->path, folder_remove_one, 16,
			      FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
folder_put(const struct folder *folder, const char *name, const void *data,
	   size_t size)
{
	int file = openat(folder->descriptor, name,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, data, size), (ssize_t)size);
	ck_assert_int_eq(close(file), 0);
}

/* Entries except "." and "..". */
static inline unsigned
folder_count(const struct folder *folder)
{
	DIR *directory = opendir(folder->path);
	struct dirent *entry;
	unsigned count = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 &&
			 strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

/* Runs work in a forked child; its wait status. */
static inline int
folder_fork(int (*work)(void *data), void *data)
{
	int status = -1;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(work(data));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

#endif

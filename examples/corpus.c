/* SPDX-License-Identifier: MIT */
/* corpus.c - the files that the service answers questions about. */
#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789/._-+~"

static int by_name(const FTSENT **a, const FTSENT **b);
static int by_path(const void *a, const void *b);
static int add_tree(struct corpus *corpus, FTS *tree, size_t skip,
		    size_t limit);
static int add_file(struct corpus *corpus, const FTSENT *entry, size_t skip);
static ssize_t read_whole(const char *path, char *to, size_t size);

int
corpus_load(struct corpus *corpus, const char *directory, size_t limit)
{
	char *roots[2] = { (char *)(uintptr_t)directory, NULL };
	size_t skip = strlen(directory);
	int result;
	FTS *tree;

	*corpus = (struct corpus){ 0 };
	corpus->text = malloc(limit + 1);
	if (corpus->text == NULL)
		return -ENOMEM;
	tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
			by_name);
	if (tree == NULL)
		return -errno;
	while (skip > 0 && directory[skip - 1] == '/')
		skip--;
	result = add_tree(corpus, tree, skip + 1, limit);
	fts_close(tree);
	if (result == 0 && corpus->count == 0)
		return -ENOENT;
	qsort(corpus->files, corpus->count, sizeof(*corpus->files), by_path);
	return result;
}

void
corpus_free(struct corpus *corpus)
{
	size_t i;

	for (i = 0; i < corpus->count; i++)
		free(corpus->files[i].path);
	free(corpus->files);
	free(corpus->text);
	*corpus = (struct corpus){ 0 };
}

const struct corpus_file *
corpus_find(const struct corpus *corpus, const char *path, size_t length)
{
	size_t low = 0, high = corpus->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct corpus_file *file = &corpus->files[middle];
		int order = strncmp(path, file->path, length);

		if (order == 0 && file->path[length] == '\0')
			return file;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
by_path(const void *a, const void *b)
{
	const struct corpus_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int
add_tree(struct corpus *corpus, FTS *tree, size_t skip, size_t limit)
{
	const FTSENT *entry;
	int result;

	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info != FTS_F || entry->fts_pathlen <= skip ||
		    strspn(entry->fts_path, PLAIN) != entry->fts_pathlen)
			continue;
		if (corpus->size + (size_t)entry->fts_statp->st_size + 1 >
		    limit)
			return 0;
		result = add_file(corpus, entry, skip);
		if (result < 0)
			return result;
	}
	return -errno;
}

/* What cannot be read is left out; only memory can fail. */
static int
add_file(struct corpus *corpus, const FTSENT *entry, size_t skip)
{
	size_t size = (size_t)entry->fts_statp->st_size;
	struct corpus_file *files = corpus->files;
	struct corpus_file file;
	ssize_t got;

	got = read_whole(entry->fts_path, corpus->text + corpus->size, size);
	if (got < 0)
		return 0;
	/* Grown by doubling, whenever count is a power of two. */
	if ((corpus->count & (corpus->count - 1)) == 0)
		files = realloc(files, (corpus->count * 2 + 1) *
				sizeof(*files));
	file.path = strdup(entry->fts_path + skip);
	if (files != NULL)
		corpus->files = files;
	if (files == NULL || file.path == NULL) {
		free(file.path);
		return -ENOMEM;
	}
	file.start = corpus->size;
	file.size = (size_t)got;
	corpus->files[corpus->count++] = file;
	corpus->size += file.size;
	corpus->text[corpus->size++] = '\0';
	return 0;
}

/* At most size bytes; fewer if the file was cut meanwhile.  -1: not at all. */
static ssize_t
read_whole(const char *path, char *to, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t got = 0;
	ssize_t n = 0;

	if (file < 0)
		return -1;
	while (got < size && (n = read(file, to + got, size - got)) > 0)
		got += (size_t)n;
	close(file);
	return n < 0 ? -1 : (ssize_t)got;
}

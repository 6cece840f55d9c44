/* SPDX-License-Identifier: MIT */
/*
 * corpus.h - the files that the service answers questions about, read whole
 * at its start.  Constant from then on, and so shared by all workers.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <stddef.h>

struct corpus_file {
	char *path;			/* below the folder, as in a URL */
	size_t start, size;		/* in text */
};

struct corpus {
	char *text;			/* all files, a NUL behind each */
	size_t size;
	struct corpus_file *files;	/* sorted by path */
	size_t count;
};

/*
 * Reads the regular files below directory in the order of their paths, until
 * the next one would make it more than limit bytes.  Leaves out paths with
 * characters that a URL would have to escape, files that may not be read, and
 * symbolic links.  Returns 0 or -errno; free it in either case.
 */
int corpus_load(struct corpus *corpus, const char *directory, size_t limit);
void corpus_free(struct corpus *corpus);

/* The file of a path that is length characters long, or NULL. */
const struct corpus_file *corpus_find(const struct corpus *corpus,
				      const char *path, size_t length);

#endif

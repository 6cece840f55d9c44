/* SPDX-License-Identifier: MIT */
/*
 * conf.c - see conf.h.  This file knows which files a service has and in which
 * order; conf_parse.c knows what stands in them.
 */
#include "store/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/text.h"
#include "store/conf_parse.h"

#define SUFFIX ".ini"
#define FOLDER_SIZE (FLAGP_NAME_SIZE + sizeof(".d"))

/* One file of the set, found and perhaps read. */
struct file {
	char *path;			/* below the configuration folder */
	const char *name;		/* its end, below the file's folder */
	struct io_mark mark;		/* of what was read */
	struct text text;
};

/*
 * The main file, there or not, then the drop-ins in byte order.  The folder of
 * the drop-ins stays open: where somebody swaps it for another meanwhile, all
 * of them still come from the same one.
 */
struct files {
	int directory, folder;		/* folder -1: there is none */
	const char *service;
	char folder_name[FOLDER_SIZE];	/* "mysvc.d" */
	struct io_mark folder_mark;	/* from before it was listed */
	int folder_error;		/* why it could not be: -errno */
	struct file *items;
	size_t count, room;
};

static int list_files(struct files *files, int directory,
		      const char *service);
static int read_files(struct files *files, struct flag_error *error);
static int add_files(struct conf *conf, const struct files *files,
		     struct flag_error *error);
static uint64_t sign_files(const struct files *files);
static void free_files(struct files *files);

static int
refuse_file(struct flag_error *error, const char *path, int code)
{
	const char *reason;

	if (code == EISDIR || code == EINVAL)
		reason = "it is not a regular file, which alone is accepted";
	else if (code == EFBIG)
		reason = "it is larger than the 16 MiB that are accepted";
	else if (code == E2BIG)
		reason = "it has too many files; at most 255 are accepted";
	else if (code == ENOENT)
		reason = "it is a link to nothing; link it to a file, or "
			 "remove it";
	else if (code == ENOTDIR)
		reason = "a file stands where a folder has to be";
	else if (code == ELOOP)
		reason = "its links lead in a circle; link it to a file";
	else if (code == EACCES)
		reason = "not permitted; the service's user has to read it";
	else if (code == EAGAIN)
		reason = "it is changing; it is read again when it is quiet";
	else
		reason = strerror(code);
	return flagp_error_set(error, flagp_error_code(code), path, 0,
			       "cannot be read: %s", reason);
}

/* Fills conf from the files of a service.  Returns 0 or -code. */
static int
read_service(struct conf *conf, int directory, const char *service,
	     struct flag_error *error)
{
	struct files files;
	int result = list_files(&files, directory, service);

	if (result < 0)
		result = refuse_file(error, files.folder_name, -result);
	if (result == 0)
		result = read_files(&files, error);
	if (result == 0)
		result = add_files(conf, &files, error);
	conf->signature = sign_files(&files);
	free_files(&files);
	return result;
}

struct conf *
flagp_conf_read(int directory, const char *service, struct flag_error *error)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	struct conf_memory *memory;

	if (conf == NULL || flagp_conf_prepare(conf, error) < 0) {
		flagp_error_set(error, FLAG_ENOMEM, NULL, 0, "out of memory");
		free(conf);
		return NULL;
	}
	memory = conf->memory;
	memory->owns_conf = true;
	if (directory < 0)
		return conf;
	if (!flagp_text_is_name(service))
		flagp_error_set(error, FLAG_EINVAL, NULL, 0,
				"\"%.60s\" is no service name; use letters, "
				"digits, '_', '.' and '-', at most %d",
				service == NULL ? "" : service,
				FLAGP_NAME_MAX);
	else if (read_service(conf, directory, service, error) == 0)
		return conf;
	flagp_conf_free(conf);
	return NULL;
}

void
flagp_conf_free(struct conf *conf)
{
	struct conf_memory *memory = conf == NULL ? NULL : conf->memory;
	bool owned = memory != NULL && memory->owns_conf;

	if (memory == NULL)
		return;
	flagp_conf_release(conf);
	if (owned)
		free(conf);
}

/* The open folder in which a file stands. */
static int
place_of(const struct files *files, size_t item)
{
	return item == 0 ? files->directory : files->folder;
}

uint64_t
flagp_conf_signature(int directory, const char *service)
{
	struct files files;
	uint64_t signature;

	if (directory < 0 || !flagp_text_is_name(service))
		return 0;
	list_files(&files, directory, service);
	for (size_t i = 0; i < files.count; i++)
		files.items[i].mark = flagp_io_mark(place_of(&files, i),
						    files.items[i].name);
	signature = sign_files(&files);
	free_files(&files);
	return signature;
}

void
flagp_conf_remarks(int directory, const char *service,
		   void (*found)(void *data, const char *path,
				 enum conf_remark remark),
		   void *data)
{
	struct files files;

	if (directory < 0 || !flagp_text_is_name(service))
		return;
	list_files(&files, directory, service);
	if (files.folder >= 0 && flagp_io_is_open_to_all(files.folder))
		found(data, files.folder_name, CONF_OPEN_TO_ALL);
	for (size_t i = 0; i < files.count; i++) {
		/* O_PATH: neither rights nor a FIFO's writer are needed. */
		int file = flagp_io_open(place_of(&files, i),
					 files.items[i].name, O_PATH, 0);
		struct stat info;

		if (file < 0)
			continue;
		if (flagp_io_is_open_to_all(file))
			found(data, files.items[i].path, CONF_OPEN_TO_ALL);
		if (fstat(file, &info) == 0 && info.st_nlink == 0)
			found(data, files.items[i].path, CONF_DETACHED);
		close(file);
	}
	free_files(&files);
}

int
flagp_conf_parse(struct conf *conf, const char *file, bool dropin,
		 const char *text, size_t size, struct flag_error *error)
{
	int result = flagp_conf_add(conf, file, dropin, text, size, error);

	if (result == 0)
		flagp_conf_sort(conf);
	return result;
}

/* How many values stand before flag, or, with behind, up to its last one. */
static size_t
count_before(const struct conf *conf, const char *flag, bool behind)
{
	size_t low = 0, high = conf->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(conf->values[middle].flag, flag);

		if (order < 0 || (behind && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct conf_value *
flagp_conf_first(const struct conf *conf, const char *flag)
{
	size_t i = count_before(conf, flag, false);

	if (i == conf->count || strcmp(conf->values[i].flag, flag) != 0)
		return NULL;
	return &conf->values[i];
}

const struct conf_value *
flagp_conf_first_at(const struct conf *conf, size_t guess, const char *flag)
{
	const struct conf_value *values = conf->values;

	if (guess < conf->count && !values[guess].again &&
	    strcmp(values[guess].flag, flag) == 0)
		return &values[guess];
	return flagp_conf_first(conf, flag);
}

const struct conf_value *
flagp_conf_last(const struct conf *conf, const char *flag)
{
	size_t i = count_before(conf, flag, true);

	if (i == 0 || strcmp(conf->values[i - 1].flag, flag) != 0)
		return NULL;
	return &conf->values[i - 1];
}

/* [A-Za-z0-9][A-Za-z0-9_.-]*\.ini: no editor's leavings, no hidden file. */
static bool
is_dropin(const char *name)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_.-";
	size_t length = strlen(name), suffix = strlen(SUFFIX);

	return length > suffix && strchr("_.-", name[0]) == NULL &&
	       strspn(name, letters) == length &&
	       strcmp(name + length - suffix, SUFFIX) == 0;
}

/* Adds a file: the main one where there is none yet.  0 or -errno. */
static int
add_file(struct files *files, const char *name)
{
	size_t room = files->room == 0 ? 4 : files->room * 2;
	bool dropin = files->count > 0;
	struct file *items;
	char *path;

	if (files->count == CONF_FILES_LIMIT)
		return -E2BIG;
	if (files->count == files->room) {
		items = realloc(files->items, room * sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		files->items = items;
		files->room = room;
	}
	if (asprintf(&path, "%s%s%s", dropin ? files->folder_name : "",
		     dropin ? "/" : "", name) < 0)
		return -ENOMEM;
	files->items[files->count++] = (struct file){
		.path = path, .name = path + strlen(path) - strlen(name),
		.text = TEXT_INIT };
	return 0;
}

/* Many services have no drop-ins, and this is asked several times a turn: it
 * is cheaper than to open the folder in vain, then to look for a link. */
static bool
is_absent(int directory, const char *name)
{
	struct stat info;

	return fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
	       errno == ENOENT;
}

/* Whether the name is there, but leads nowhere. */
static bool
is_link(int directory, const char *name)
{
	struct stat info;

	return fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(info.st_mode);
}

static int
list_folder(struct files *files, DIR *folder)
{
	struct dirent *entry;
	int result = 0;

	for (;;) {
		errno = 0;
		entry = readdir(folder);
		if (entry == NULL)
			return -errno;
		if (is_dropin(entry->d_name))
			result = add_file(files, entry->d_name);
		if (result < 0)
			return result;
	}
}

static int
compare_files(const void *left, const void *right)
{
	const struct file *a = left, *b = right;

	return strcmp(a->path, b->path);
}

static int
list_dropins(struct files *files)
{
	int descriptor, result;
	DIR *folder;

	if (is_absent(files->directory, files->folder_name))
		return 0;
	files->folder = flagp_io_open(files->directory, files->folder_name,
				      O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	if (files->folder == -ENOENT &&
	    !is_link(files->directory, files->folder_name))
		return 0;
	if (files->folder < 0)
		return files->folder;
	files->folder_mark = flagp_io_mark(files->folder, ".");
	descriptor = flagp_io_open(files->folder, ".",
				   O_RDONLY | O_DIRECTORY, 0);
	if (descriptor < 0)
		return descriptor;
	folder = fdopendir(descriptor);
	if (folder == NULL) {
		result = -errno;
		close(descriptor);
		return result;
	}
	result = list_folder(files, folder);
	closedir(folder);
	return result;
}

/*
 * Finds the files of a service.  Returns 0 or -errno; then some are missing,
 * in the same way each time, so that the signature stands still.
 */
static int
list_files(struct files *files, int directory, const char *service)
{
	char name[FLAGP_NAME_SIZE + sizeof(SUFFIX)];
	int result;

	*files = (struct files){ .directory = directory, .folder = -1,
				 .service = service };
	snprintf(files->folder_name, sizeof(files->folder_name), "%s.d",
		 service);
	snprintf(name, sizeof(name), "%s" SUFFIX, service);
	result = add_file(files, name);
	if (result == 0)
		result = files->folder_error = list_dropins(files);
	if (files->count > 1)
		qsort(files->items + 1, files->count - 1,
		      sizeof(*files->items), compare_files);
	return result;
}

static void
free_files(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		flagp_text_free(&files->items[i].text);
		free(files->items[i].path);
	}
	free(files->items);
	if (files->folder >= 0)
		close(files->folder);
}

/*
 * Reads one file.  The main file may be absent.  A drop-in that is gone since
 * the listing counts as changing.
 */
static int
read_file(struct files *files, size_t item, struct flag_error *error)
{
	struct file *file = &files->items[item];
	int place = place_of(files, item);
	int result = flagp_io_read(place, file->name, CONF_FILE_LIMIT,
				   &file->text, &file->mark);

	if (result == -ENOENT && !is_link(place, file->name)) {
		if (item == 0)
			return 0;
		result = -EAGAIN;
	}
	return result < 0 ? refuse_file(error, file->path, -result) : 0;
}

/*
 * Reads all files, before any of them is looked into.  If the set is another
 * one afterwards, what was read may be half of the old and half of the new.
 */
static int
read_files(struct files *files, struct flag_error *error)
{
	int result = 0;

	for (size_t i = 0; i < files->count && result == 0; i++)
		result = read_file(files, i, error);
	if (result < 0)
		return result;
	if (flagp_conf_signature(files->directory, files->service) ==
	    sign_files(files))
		return 0;
	return flagp_error_set(error, FLAG_EAGAIN, files->items[0].path, 0,
			       "the files changed while they were read; they "
			       "are read again when they are quiet");
}

static int
add_files(struct conf *conf, const struct files *files,
	  struct flag_error *error)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->items[i];
		int result;

		if (!file->mark.exists)
			continue;
		result = flagp_conf_add(conf, file->path, i > 0,
					file->text.data, file->text.size,
					error);
		if (result < 0)
			return result;
	}
	flagp_conf_sort(conf);
	return 0;
}

static uint64_t
sign_mark(uint64_t hash, const char *path, const struct io_mark *mark)
{
	uint64_t numbers[] = {
		mark->exists, mark->device, mark->inode, mark->size,
		(uint64_t)mark->mtime_ns, (uint64_t)mark->ctime_ns,
	};

	hash = flagp_text_hash(hash, path, strlen(path) + 1);
	return flagp_text_hash(hash, numbers, sizeof(numbers));
}

static uint64_t
sign_files(const struct files *files)
{
	uint64_t hash = sign_mark(FLAGP_FNV_START, files->folder_name,
				  &files->folder_mark);

	/* What is in the folder's place has no mark that would tell it from
	 * nothing. */
	hash = flagp_text_hash(hash, &files->folder_error,
			       sizeof(files->folder_error));
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->items[i];
		bool broken = !file->mark.exists &&
			      is_link(place_of(files, i), file->name);

		hash = sign_mark(hash, file->path, &file->mark);
		hash = flagp_text_hash(hash, &broken, sizeof(broken));
	}
	return hash;
}

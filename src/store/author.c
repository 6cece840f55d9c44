/* SPDX-License-Identifier: MIT */
/* author.c - who makes a change, and in which boot: the end of record.h. */
#include "store/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/words.h"

#define BOOT_LENGTH 36u			/* of a boot id */

/* The one line of a small file of /proc, which has no size. */
static bool
read_kernel(const char *path, struct text *text)
{
	int descriptor = flagp_io_open(AT_FDCWD, path, O_RDONLY, 0);
	char line[64];
	ssize_t length;

	if (descriptor < 0)
		return false;
	length = read(descriptor, line, sizeof(line));
	close(descriptor);
	if (length < 0)
		return false;
	flagp_text_add_bytes(text, line, (size_t)length);
	if (text->failed)
		return false;
	text->data[strcspn(text->data, "\n")] = '\0';
	text->size = strlen(text->data);
	return true;
}

/* The login uid, which stays the same through su and sudo. */
static uint32_t
login_user(void)
{
	struct text text = TEXT_INIT;
	uint64_t number = UINT32_MAX;

	if (read_kernel("/proc/self/loginuid", &text) &&
	    !flagp_words_number(text.data, UINT32_MAX, &number))
		number = UINT32_MAX;
	flagp_text_free(&text);
	return (uint32_t)number;
}

/* Copies name, cut off where it is too long. */
static void
copy(char *buffer, const char *name, size_t size)
{
	size_t length = strnlen(name, size - 1);

	memcpy(buffer, name, length);
	buffer[length] = '\0';
}

/* The terminal of standard input: "pts/0". */
static void
terminal(char *buffer, size_t size)
{
	char path[64];
	const char *name = path;

	if (ttyname_r(0, path, sizeof(path)) != 0)
		return;
	if (strncmp(path, "/dev/", 5) == 0)
		name += 5;
	copy(buffer, name, size);
}

void
flagp_record_author(struct record_author *author)
{
	memset(author, 0, sizeof(*author));
	author->uid = getuid();
	author->login_uid = login_user();
	author->pid = (int)getpid();
	terminal(author->tty, sizeof(author->tty));
	/* Names come from services that may load code: not in a host. */
	snprintf(author->user, sizeof(author->user), "%u", author->uid);
}

void
flagp_record_boot(char *buffer, size_t size)
{
	struct text text = TEXT_INIT;

	buffer[0] = '\0';
	if (read_kernel("/proc/sys/kernel/random/boot_id", &text) &&
	    text.size == BOOT_LENGTH && text.size < size &&
	    strspn(text.data, "0123456789abcdef-") == text.size)
		strcpy(buffer, text.data);
	flagp_text_free(&text);
}

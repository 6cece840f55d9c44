/* SPDX-License-Identifier: MIT */
/* error.c - see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void
flagp_error_clear(struct flag_error *error)
{
	if (error == NULL)
		return;
	error->code = 0;
	error->line = 0;
	error->file[0] = '\0';
	error->text[0] = '\0';
}

int
flagp_error_set(struct flag_error *error, int code, const char *file,
		unsigned line, const char *format, ...)
{
	va_list arguments;

	if (error == NULL || error->code != 0)
		return -code;
	error->code = code;
	error->line = line;
	snprintf(error->file, sizeof(error->file), "%s",
		 file != NULL ? file : "");
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	flagp_text_printable(error->file);
	flagp_text_printable(error->text);
	return -code;
}

size_t
flagp_error_text(const struct flag_error *error, char *buffer, size_t size)
{
	int length;

	if (error == NULL)
		length = snprintf(buffer, size, "%s", "");
	else if (error->file[0] != '\0' && error->line != 0)
		length = snprintf(buffer, size, "%s:%u: %s", error->file,
				  error->line, error->text);
	else if (error->file[0] != '\0')
		length = snprintf(buffer, size, "%s: %s", error->file,
				  error->text);
	else
		length = snprintf(buffer, size, "%s", error->text);
	return length < 0 ? 0 : (size_t)length;
}

int
flagp_error_code(int error_number)
{
	switch (error_number < 0 ? -error_number : error_number) {
	case 0:
		return 0;
	case ENOMEM:
		return FLAG_ENOMEM;
	case EINVAL:
		return FLAG_EINVAL;
	case EEXIST:
		return FLAG_EEXIST;
	case EACCES:
	case EPERM:
	case EROFS:
		return FLAG_EACCES;
	case ENOENT:
	case ENOTDIR:
		return FLAG_ENOENT;
	case EBUSY:
		return FLAG_EBUSY;
	case EAGAIN:
		return FLAG_EAGAIN;
	case FLAG_ECONFIG:
		return FLAG_ECONFIG;
	case FLAG_EDIRECTORY:
		return FLAG_EDIRECTORY;
	default:
		return FLAG_EIO;
	}
}

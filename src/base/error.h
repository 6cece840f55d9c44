/* SPDX-License-Identifier: MIT */
/* error.h - the caller-owned error: the first failure wins. */
#ifndef FLAGP_ERROR_H
#define FLAGP_ERROR_H

#include "base/compiler.h"
#include "ripcord.h"

/* Makes error empty; NULL is accepted here and below. */
void flagp_error_clear(struct flag_error *error);

/*
 * Notes what went wrong unless something is noted already.  file NULL and
 * line 0: none.  Control characters become '?', so that a hostile name cannot
 * reach a terminal.  Returns -code.
 */
int flagp_error_set(struct flag_error *error, int code, const char *file,
		    unsigned line, const char *format, ...)
	FLAGP_PRINTF(5, 6);

/*
 * Writes "file:line: text", leaving out what is not known.  Returns the
 * length of the whole text, as snprintf does.
 */
size_t flagp_error_text(const struct flag_error *error, char *buffer,
			size_t size);

/* The positive flag_code for an errno value; FLAG_EIO where none fits. */
int flagp_error_code(int error_number);

#endif

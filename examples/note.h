/* SPDX-License-Identifier: MIT */
/* note.h - log lines of key=value words, on standard error. */
#ifndef NOTE_H
#define NOTE_H

/*
 * Writes "time=... level=... event=EVENT pid=..." and what format adds to it,
 * in one write(2), so that the lines of several processes do not mix.
 * level: one of syslog's.
 */
void note(int level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The library's log, as such lines; a flag_log_fn. */
void note_library(void *data, int level, const char *text);

#endif

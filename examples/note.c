/* SPDX-License-Identifier: MIT */
/* note.c - log lines of key=value words, on standard error. */
#include "note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define NOTE_SIZE 1200

static const char *level_word(int level);

void
note(int level, const char *event, const char *format, ...)
{
	char line[NOTE_SIZE], when[32];
	time_t now = time(NULL);
	struct tm utc;
	size_t used;
	va_list arguments;

	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(line, sizeof(line), "time=%s level=%s event=%s pid=%d ",
		 when, level_word(level), event, (int)getpid());
	used = strlen(line);
	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - 1 - used, format, arguments);
	va_end(arguments);
	used = strlen(line);
	line[used++] = '\n';
	/* A log that cannot be written is no reason to stop serving. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

void
note_library(void *data, int level, const char *text)
{
	char quoted[NOTE_SIZE];
	size_t used = 0;

	(void)data;
	for (; *text != '\0' && used + 3 < sizeof(quoted); text++) {
		if (*text == '"' || *text == '\\')
			quoted[used++] = '\\';
		quoted[used++] = *text;
	}
	quoted[used] = '\0';
	note(level, "ripcord", "text=\"%s\"", quoted);
}

static const char *
level_word(int level)
{
	if (level <= LOG_ERR)
		return "error";
	if (level == LOG_WARNING)
		return "warning";
	return level == LOG_NOTICE ? "notice" : "info";
}

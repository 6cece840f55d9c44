/* SPDX-License-Identifier: MIT */
/* log.c - see log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/text.h"

#define LINE_SIZE 1001

/*
 * W: flagp_log_set().  R: any.  Order: data before function, so that whoever
 * sees a function sees its data.
 */
static void *sink_data;
static flag_log_fn *sink;

void
flagp_log_set(flag_log_fn *function, void *data)
{
	__atomic_store_n(&sink, (flag_log_fn *)NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&sink_data, data, __ATOMIC_RELAXED);
	__atomic_store_n(&sink, function, __ATOMIC_RELEASE);
}

void
flagp_log(int level, const char *format, ...)
{
	flag_log_fn *function = __atomic_load_n(&sink, __ATOMIC_ACQUIRE);
	void *data = __atomic_load_n(&sink_data, __ATOMIC_RELAXED);
	int saved = errno;
	char line[LINE_SIZE];
	va_list arguments;

	if (function == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	flagp_text_printable(line);
	function(data, level, line);
	errno = saved;
}

void
flag_log_stderr(void *data, int level, const char *text)
{
	(void)data;
	(void)level;
	fprintf(stderr, "%s\n", text);
}

void
flag_log_syslog(void *data, int level, const char *text)
{
	(void)data;
	syslog(level, "%s", text);
}

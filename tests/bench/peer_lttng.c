/* SPDX-License-Identifier: MIT */
/*
 * peer_lttng.c - whether a tracepoint of LTTng-UST is enabled, which nobody
 * does.  Without its provider there are no threads of LTTng in the process; the
 * tracepoint is the same.
 */
#include "peers.h"

#ifdef HAVE_LTTNG
#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(bench, off, LTTNG_UST_TP_ARGS(),
			   LTTNG_UST_TP_FIELDS())

LOOPS_DENSE(lttng_off, lttng_ust_tracepoint_enabled(bench, off), 0)

const struct peer *
peer_lttng(void)
{
	static const struct peer self = { lttng_off, NULL, NULL };

	return &self;
}
#else
const struct peer *
peer_lttng(void)
{
	return NULL;
}
#endif

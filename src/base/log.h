/* SPDX-License-Identifier: MIT */
/* log.h - the host's log function, or none. */
#ifndef FLAGP_LOG_H
#define FLAGP_LOG_H

#include "base/compiler.h"
#include "ripcord.h"

/* W: flag_start before the driver exists.  R: any. */
void flagp_log_set(flag_log_fn *function, void *data);

/* One line, at most 1000 characters.  Call it with no lock held. */
void flagp_log(int level, const char *format, ...) FLAGP_PRINTF(2, 3);

#endif

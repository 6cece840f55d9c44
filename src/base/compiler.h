/* SPDX-License-Identifier: MIT */
/* compiler.h - attributes and sizes that every floor uses. */
#ifndef FLAGP_COMPILER_H
#define FLAGP_COMPILER_H

#define FLAGP_PRINTF(format_, first_) \
	__attribute__((__format__(__printf__, format_, first_)))
#define FLAGP_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FLAGP_NAME_MAX 48		/* characters of a flag or service */
#define FLAGP_NAME_SIZE (FLAGP_NAME_MAX + 1)
#define FLAGP_PATH_SIZE 512
#define FLAGP_INSTANCE_SIZE 128	/* with its NUL */

/*
 * A share says how many of 100 000 units take the optimized arm: 0 off,
 * FLAGP_SHARE_ALL on, steps of 0.001 %.
 */
#define FLAGP_SHARE_ALL 100000u
/* No value at this layer. */
#define FLAGP_SHARE_NONE UINT32_MAX

#endif

/* SPDX-License-Identifier: MIT */
/*
 * value.h - texts to typed values with unit and range, and back.  Pure: no
 * memory, no locale; whatever setlocale() says, a number has a decimal point.
 *
 *	bool		on | off
 *	int64		42, -7
 *	double		0.5, -3, 1e-6, 1e+20; finite
 *	duration	a whole number and a unit: ns us ms s m h d; in ns
 *	size		bytes, or a whole number and a unit: B, K or KiB,
 *			M or MiB, G or GiB, T or TiB; K is 1024 bytes
 *	share		0% to 100% in steps of 0.001%, as 25%, 0.125%
 *	string		UTF-8 without control characters, no blank at an end
 *
 * One value has one number and at most one unit: 90m, not 1h30m; 1536M, not
 * 1.5G; 90s needs its unit, 0s too.  A number has no plus sign, no blank
 * inside or around, no leading zero (010 is 8 to some and 10 to others), and
 * digits on both sides of its point.  Only the exponent of a double may have
 * a plus, because printf(3) writes one.
 *
 * Checked first, then assigned: a text that is refused changes nothing, and
 * the refusal says what would be accepted, range and units included.
 */
#ifndef FLAGP_VALUE_H
#define FLAGP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ripcord.h"

enum value_type {
	VALUE_BOOL,
	VALUE_INT64,
	VALUE_DOUBLE,
	VALUE_DURATION,
	VALUE_SIZE,
	VALUE_SHARE,
	VALUE_STRING,
	VALUE_TYPES
};

/* The type says which one. */
union value_number {
	bool on;			/* bool */
	int64_t integer;		/* int64 */
	double real;			/* double */
	int64_t duration_ns;
	uint64_t size;			/* bytes; of a string: its length */
	uint32_t share;			/* 0 .. FLAGP_SHARE_ALL */
};

struct value {
	enum value_type type;
	union value_number number;
	const char *string;		/* number.size bytes, not ours */
};

/* The least and the greatest value, both allowed; of a string, its size in
 * bytes.  A bool has no limits. */
struct value_limits {
	enum value_type type;
	union value_number low, high;
};

/* Everything that the type can be. */
struct value_limits flagp_value_limits(enum value_type type);

/*
 * Reads length bytes of text.  A string is not copied: value points to text.
 * Returns 0, or -FLAG_EINVAL with value as it was and a text in error that
 * goes behind "key = text: ".
 */
int flagp_value_parse(struct value *value, const struct value_limits *limits,
		      const char *text, size_t length,
		      struct flag_error *error);

/* Whether a value that came another way is of that type, within the limits,
 * and for a string and a double, one that a text could say.  Returns as
 * above. */
int flagp_value_check(const struct value *value,
		      const struct value_limits *limits,
		      struct flag_error *error);

/* What a text of that type may be: "a size such as 512, 64K, ...". */
const char *flagp_value_use(enum value_type type);

/* The same with the range behind it.  Returns the length of the whole text, as
 * snprintf does. */
size_t flagp_value_range(const struct value_limits *limits, char *buffer,
			 size_t size);
#define VALUE_RANGE_SIZE 192

/* The value in 64 bits, to be compared: a number's bits, or the hash of a
 * text. */
uint64_t flagp_value_mark(const struct value *value);

/*
 * Reads the state of a flag: "on", "off", or a share as above.  Returns
 * false, with share as it was, for any other text.
 */
bool flagp_value_state(const char *text, uint32_t *share);

/* Room for the text of any value but a string. */
#define VALUE_TEXT_SIZE 32

/*
 * Writes the one text that stands for the value: the greatest unit that
 * divides it; the fewest digits that give the same double, with an exponent
 * below 0.0001 and from 1e16 on.  flagp_value_parse() makes the same value of
 * it.  Returns the length of the whole text, as snprintf does.
 */
size_t flagp_value_format(const struct value *value, char *buffer,
			  size_t size);

#endif

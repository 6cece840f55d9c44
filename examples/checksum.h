/* SPDX-License-Identifier: MIT */
/* checksum.h - CRC-32 of a file, the one of gzip, zlib and PNG. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <ripcord.h>
#include <stddef.h>
#include <stdint.h>

/* Off: one table, a byte a step.  On: eight tables, eight bytes a step. */
FLAG_DECLARE(checksum_slice8);

/* Computes the tables; once, before the first checksum(). */
void checksum_prepare(void);

/* The CRC-32 of size bytes. */
uint32_t checksum(const void *data, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - CRC-32 in two ways.
 *
 * The checksum is the remainder of a division of polynomials over bits, with
 * bits in reflected order.  What one byte adds to the remainder depends on
 * nothing but that byte, so it can be looked up.
 */
#include "checksum.h"

#include <endian.h>
#include <string.h>

#define POLYNOMIAL 0xedb88320u		/* IEEE 802.3, reflected */
#define SLICES 8

FLAG_DEFINE(checksum_slice8, "checksum.slice8",
	    "CRC-32 eight bytes a step, with eight tables");

/*
 * tables[n][b]: what the byte b adds to the remainder when n more bytes
 * follow it.  W: checksum_prepare().  R: everyone after it.
 */
static uint32_t tables[SLICES][256];

static uint32_t update_bytes(uint32_t crc, const unsigned char *p, size_t size);
static uint32_t update_slices(uint32_t crc, const unsigned char *p,
			      size_t size);
static uint64_t load64(const unsigned char *p);

void
checksum_prepare(void)
{
	unsigned b, n, bit;

	for (b = 0; b < 256; b++) {
		uint32_t r = b;

		for (bit = 0; bit < 8; bit++)
			r = r & 1 ? r >> 1 ^ POLYNOMIAL : r >> 1;
		tables[0][b] = r;
	}
	for (n = 1; n < SLICES; n++)
		for (b = 0; b < 256; b++) {
			uint32_t r = tables[n - 1][b];

			tables[n][b] = r >> 8 ^ tables[0][r & 0xff];
		}
}

uint32_t
checksum(const void *data, size_t size)
{
	uint32_t crc = 0xffffffffu;

	if (flag_enabled(&checksum_slice8))
		crc = update_slices(crc, data, size);
	else
		crc = update_bytes(crc, data, size);
	return ~crc;
}

/* The baseline: each step waits for the look-up of the one before. */
static uint32_t
update_bytes(uint32_t crc, const unsigned char *p, size_t size)
{
	for (; size > 0; p++, size--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return crc;
}

/* The optimized arm: eight look-ups that do not wait for each other. */
static uint32_t
update_slices(uint32_t crc, const unsigned char *p, size_t size)
{
	for (; size >= SLICES; p += SLICES, size -= SLICES) {
		uint64_t w = load64(p) ^ crc;

		crc = tables[7][w & 0xff] ^
		      tables[6][w >> 8 & 0xff] ^
		      tables[5][w >> 16 & 0xff] ^
		      tables[4][w >> 24 & 0xff] ^
		      tables[3][w >> 32 & 0xff] ^
		      tables[2][w >> 40 & 0xff] ^
		      tables[1][w >> 48 & 0xff] ^
		      tables[0][w >> 56];
	}
	return update_bytes(crc, p, size);
}

static uint64_t
load64(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

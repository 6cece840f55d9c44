/* SPDX-License-Identifier: MIT */
/*
 * traffic.h - made-up traffic for the tests of the mechanisms: the same seed
 * gives the same calls on every machine.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Splitmix64 (Steele, Lea and Flood, 2014): each seed is its own sequence. */
struct traffic {
	uint64_t state;
};

static inline uint64_t
traffic_bits(struct traffic *traffic)
{
	uint64_t z = traffic->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* At least 0, below 1. */
static inline double
traffic_uniform(struct traffic *traffic)
{
	return (double)(traffic_bits(traffic) >> 11) * 0x1p-53;
}

static inline bool
traffic_happens(struct traffic *traffic, double chance)
{
	return traffic_uniform(traffic) < chance;
}

/* How many of calls happen, by inversion; in parts, lest a power underflow. */
static inline uint64_t
traffic_binomial(struct traffic *traffic, uint64_t calls, double chance)
{
	uint64_t hits = 0, part, k;
	double odds, mass, left;

	if (chance > 0.5)
		return calls - traffic_binomial(traffic, calls, 1 - chance);
	for (odds = chance / (1 - chance); calls > 0; calls -= part) {
		part = calls < 800 ? calls : 800;
		mass = pow(1 - chance, (double)part);
		left = traffic_uniform(traffic) - mass;
		for (k = 0; left >= 0 && k < part; left -= mass) {
			mass *= odds * (double)(part - k) / (double)(k + 1);
			k++;
		}
		hits += k;
	}
	return hits;
}

/* A logarithm normal with this median and spread (Box and Muller, 1958). */
static inline double
traffic_lognormal(struct traffic *traffic, double median, double spread)
{
	double radius = sqrt(-2 * log(1 - traffic_uniform(traffic)));
	double angle = 2 * 3.14159265358979323846 * traffic_uniform(traffic);

	return median * exp(spread * radius * cos(angle));
}

#endif

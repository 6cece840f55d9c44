/* SPDX-License-Identifier: MIT */
/*
 * sections_second.c - a second file of the executable, or with -DAS_OBJECT
 * the one file of a shared object; with -DNO_FLAGS it includes the header and
 * defines nothing.
 */
#include "sections.h"

#if defined(AS_OBJECT)

FLAG_DEFINE(first, "sections.first", "the name of one in the executable");
FLAG_DEFINE(own, "sections.own", "defined in a shared object");

struct flag *
sections_object_flag(void)
{
	return &own;
}

int
sections_object_enabled(void)
{
	return flag_enabled(&first);
}

#elif !defined(NO_FLAGS)

/* Data on both sides, so that a wrong layout would take it along. */
static int data_before = 1;
FLAG_DEFINE(second, "sections.second", "defined in the second file");
static int data_after = 1;
FLAG_DECLARE(first);

struct flag *
sections_second_flag(void)
{
	return data_before + data_after == 2 ? &second : &first;
}

#endif

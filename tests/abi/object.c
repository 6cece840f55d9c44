/* SPDX-License-Identifier: MIT */
/* object.c - a shared object with a flag, compiled with an old header. */
#include <ripcord.h>

FLAG_DEFINE(in_object, "abi.object", "defined in a shared object");

struct flag *object_flag(void);
int object_enabled(void);

struct flag *
object_flag(void)
{
	return &in_object;
}

int
object_enabled(void)
{
	return flag_enabled(&in_object);
}

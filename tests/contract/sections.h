/* SPDX-License-Identifier: MIT */
/* sections.h - what the files of the section test share. */
#ifndef SECTIONS_H
#define SECTIONS_H

#include <ripcord.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The flags of the second file and of the C++ file, as their files see them. */
struct flag *sections_second_flag(void);
struct flag *sections_cxx_flag(void);
/* A flag of the shared object, and its own inlined read. */
struct flag *sections_object_flag(void);
int sections_object_enabled(void);

#ifdef __cplusplus
}
#endif

#endif

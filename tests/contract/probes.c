/* SPDX-License-Identifier: MIT */
/*
 * probes.c - inlined reads whose machine code tests/read-contract looks at.
 * Compiled as C and as C++.  The first word of a name behind probe_ says what
 * is promised:
 *	branch	one test with memory and one conditional jump
 *	twice	two of these, not merged
 *	value	one load
 *	loop	the load stays inside the loop
 *	tail	branch, with arguments left in their registers for either arm
 *	view	no locked access; a call only where a thread has no books yet
 */
#include <ripcord.h>

#ifdef __cplusplus
#include "ripcord.hpp"
extern "C" {
#endif

/* Instructions that stand for the arms: no call, never merged or moved. */
#define ARM_ON __asm__ __volatile__("nopw 0x7001(%rax)")
#define ARM_OFF __asm__ __volatile__("nopw 0x7002(%rax)")

FLAG_DEFINE(here, "probe.here", "defined in this file");
FLAG_DECLARE(elsewhere);

long optimized(const void *data, size_t size);
long baseline(const void *data, size_t size);
void probe_branch_here(void);
void probe_branch_elsewhere(void);
void probe_branch_pointer(const struct flag *flag);
void probe_twice_here(void);
int probe_value_here(void);
int probe_value_pointer(const struct flag *flag);
void probe_loop_here(void);
void probe_loop_pointer(const struct flag *flag);
long probe_tail_here(const void *data, size_t size);
void probe_view_begin(struct flag_view *view);
void probe_view_end(struct flag_view *view);
void probe_view_both(void);

void
probe_branch_here(void)
{
	if (flag_enabled(&here))
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_elsewhere(void)
{
	if (flag_enabled(&elsewhere))
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_pointer(const struct flag *flag)
{
	if (flag_enabled(flag))
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_twice_here(void)
{
	if (flag_enabled(&here))
		ARM_ON;
	if (flag_enabled(&here))
		ARM_OFF;
}

int
probe_value_here(void)
{
	return flag_enabled(&here);
}

int
probe_value_pointer(const struct flag *flag)
{
	return flag_enabled(flag);
}

void
probe_loop_here(void)
{
	while (flag_enabled(&here))
		ARM_ON;
}

void
probe_loop_pointer(const struct flag *flag)
{
	while (flag_enabled(flag))
		ARM_ON;
}

long
probe_tail_here(const void *data, size_t size)
{
	if (flag_enabled(&here))
		return optimized(data, size);
	return baseline(data, size);
}

void
probe_view_begin(struct flag_view *view)
{
	flag_view_begin(view);
}

void
probe_view_end(struct flag_view *view)
{
	flag_view_end(view);
}

void
probe_view_both(void)
{
	struct flag_view view;

	flag_view_begin(&view);
	ARM_ON;
	flag_view_end(&view);
}

#ifdef __cplusplus
void probe_branch_object(void);
}

RIPCORD_FLAG(object, "probe.object", "defined by the C++ macro");

void
probe_branch_object(void)
{
	if (object)
		ARM_ON;
	else
		ARM_OFF;
}
#endif

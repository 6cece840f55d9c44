/* SPDX-License-Identifier: MIT */
/*
 * violations.c - reads that break the contract on purpose, one a function;
 * tests/read-contract must name each of them, with -fPIC.
 */
#include <ripcord.h>

#define ARM_ON __asm__ __volatile__("nopw 0x7001(%rax)")
#define ARM_OFF __asm__ __volatile__("nopw 0x7002(%rax)")

FLAG_DEFINE(here, "violation.here", "defined in this file");
extern struct flag visible;
extern struct flag *handle;
extern volatile unsigned long turns;
static __thread int ready;
int enabled_by_call(const struct flag *flag);
void probe_branch_call(void);
void probe_branch_lock(void);
void probe_branch_tls(void);
void probe_branch_got(void);
void probe_branch_handle(void);
void probe_branch_checked(void);
void probe_branch_two_loads(void);
void probe_twice_merged(void);
void probe_loop_hoisted(void);
long probe_tail_spilled(const void *data, size_t size);
void probe_view_called(struct flag_view *view);
void probe_view_locked(struct flag_view *view);
void probe_view_fenced(struct flag_view *view);
void probe_view_slow(struct flag_view *view);
long optimized(const void *data, size_t size);
long baseline(const void *data, size_t size);

void
probe_branch_call(void)
{
	if (enabled_by_call(&here))
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_lock(void)
{
	if (__atomic_fetch_add(&here.state, 1u, __ATOMIC_RELAXED) & 1u)
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_tls(void)
{
	if (*(volatile int *)&ready & 1)
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_got(void)
{
	if (flag_enabled(&visible))
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_branch_handle(void)
{
	if (flag_enabled(handle))
		ARM_ON;
	else
		ARM_OFF;
}

/* "Is it initialised?" */
void
probe_branch_checked(void)
{
	if (here.threshold != 0 && flag_enabled(&here))
		ARM_ON;
	else
		ARM_OFF;
}

/* Both halves of the cell, where one is promised. */
void
probe_branch_two_loads(void)
{
	const volatile uint32_t *word = &here.state;

	if ((*word | word[1]) & 1u)
		ARM_ON;
	else
		ARM_OFF;
}

void
probe_twice_merged(void)
{
	if (here.state & 1u) {
		ARM_ON;
		ARM_OFF;
	}
}

void
probe_loop_hoisted(void)
{
	while (here.state & 1u)
		turns = 1;
}

/* A read that may call makes the compiler save the arguments before it. */
long
probe_tail_spilled(const void *data, size_t size)
{
	if (enabled_by_call(&here))
		return optimized(data, size);
	return baseline(data, size);
}

void
probe_view_called(struct flag_view *view)
{
	flag_view_begin(view);
	(void)enabled_by_call(&here);
}

void
probe_view_locked(struct flag_view *view)
{
	if (flag_view_thread_ != NULL)
		__atomic_fetch_add(&flag_view_thread_->in[0], 1u,
				   __ATOMIC_RELAXED);
	else
		flag_view_begin_slow_(view);
}

void
probe_view_fenced(struct flag_view *view)
{
	flag_view_end(view);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
probe_view_slow(struct flag_view *view)
{
	flag_view_begin_slow_(view);
}

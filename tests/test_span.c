/* SPDX-License-Identifier: MIT */
/*
 * test_span.c - a span takes the arm that the flag says at its begin and
 * remembers it, whatever happens to the flag or whichever thread ends it.
 */
#include "suite.h"

#include <pthread.h>
#include <string.h>

#include "ripcord.h"

FLAG_DEFINE(off, "span.off", "compiled off");
FLAG_DEFINE_WITH(on, "span.on", "compiled on", FLAG_INITIAL_ON, NULL);

START_TEST(a_span_takes_the_arm_of_the_flag)
{
	struct flag_span span;

	memset(&span, 0xff, sizeof(span));
	ck_assert_int_eq(flag_begin(&span, &off), 0);
	ck_assert_uint_eq(span.on, 0);
	ck_assert_ptr_eq(span.flag, &off);
	flag_end(&span, FLAG_OK);
	memset(&span, 0xff, sizeof(span));
	ck_assert_int_eq(flag_begin(&span, &on), 1);
	ck_assert_uint_eq(span.on, 1);
	ck_assert_uint_eq(span.word, on.state);
	flag_end(&span, FLAG_FAILED);
}
END_TEST

START_TEST(a_span_remembers_its_arm_over_a_flip)
{
	struct flag_span before, after;

	ck_assert_int_eq(flag_begin(&before, &off), 0);
	flag_test_set(&off, 1);
	ck_assert_int_eq(flag_begin(&after, &off), 1);
	ck_assert_uint_eq(before.on, 0);
	ck_assert_uint_eq(after.on, 1);
	flag_test_set(&off, 0);
	ck_assert_uint_eq(after.on, 1);
	flag_end(&before, FLAG_NEUTRAL);
	flag_end(&after, FLAG_OK);
}
END_TEST

START_TEST(a_span_that_ended_belongs_to_no_flag)
{
	struct flag_span span;

	flag_begin(&span, &on);
	flag_end(&span, FLAG_OK);
	ck_assert_ptr_null(span.flag);
	flag_begin(&span, &on);
	flag_cancel(&span);
	ck_assert_ptr_null(span.flag);
	/* Ending it twice does no harm. */
	flag_end(&span, FLAG_FAILED);
	flag_cancel(&span);
	ck_assert_ptr_null(span.flag);
}
END_TEST

START_TEST(spans_nest_and_overlap)
{
	struct flag_span outer, inner;

	ck_assert_int_eq(flag_begin(&outer, &on), 1);
	ck_assert_int_eq(flag_begin(&inner, &off), 0);
	flag_end(&outer, FLAG_OK);
	ck_assert_ptr_eq(inner.flag, &off);
	flag_end(&inner, FLAG_OK);
}
END_TEST

static void *
end_it(void *span)
{
	flag_end(span, FLAG_OK);
	return NULL;
}

START_TEST(another_thread_may_end_a_span)
{
	struct flag_span span;
	pthread_t thread;

	ck_assert_int_eq(flag_begin(&span, &on), 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, end_it, &span), 0);
	pthread_join(thread, NULL);
	ck_assert_ptr_null(span.flag);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		a_span_takes_the_arm_of_the_flag,
		a_span_remembers_its_arm_over_a_flip,
		a_span_that_ended_belongs_to_no_flag,
		spans_nest_and_overlap,
		another_thread_may_end_a_span,
		NULL
	};

	return suite_run("span", tests);
}

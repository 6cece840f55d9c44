// SPDX-License-Identifier: MIT
// test_cpp.cc - the C++ header against the real library.
#include <ripcord.h>

// What the header calls at the end of a span, noted and then done.
static int ended, cancelled;
static enum flag_outcome last_outcome;

static void noted_end(struct flag_span *span, enum flag_outcome outcome)
{
	ended++;
	last_outcome = outcome;
	flag_end(span, outcome);
}

static void noted_cancel(struct flag_span *span)
{
	cancelled++;
	flag_cancel(span);
}

#define flag_end noted_end
#define flag_cancel noted_cancel
#include "ripcord.hpp"
#undef flag_end
#undef flag_cancel

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "suite.h"

RIPCORD_FLAG(first, "cpp.first", "off from the start");
RIPCORD_FLAG_WITH(initial, "cpp.initial", "on from the start",
		  FLAG_INITIAL_ON, "the test");
FLAG_DEFINE(plain, "cpp.plain", "defined as in C");

FLAG_BOOL(strict, "cpp.strict", true, "a switch");
FLAG_INT64(retries, "cpp.retries", -3, -10, 10, "a number");
FLAG_DOUBLE(ratio, "cpp.ratio", 0.75, 0, 1, "a part");
FLAG_DURATION(patience, "cpp.patience", 2000, 0, 1000000, "nanoseconds");
FLAG_SIZE(bytes, "cpp.bytes", 64 << 20, 1 << 20, 1 << 30, "bytes");
FLAG_STRING(mode, "cpp.mode", "lru", 16, "a text");

namespace user {
RIPCORD_FLAG(first, "cpp.user.first", "another flag of the same word");
}

namespace {

void forget()
{
	ended = cancelled = 0;
	last_outcome = FLAG_NEUTRAL;
	flag_test_reset(nullptr);
}

// A folder for one service, removed with all that is in it.
class folder {
public:
	folder()
	{
		char name[] = "/tmp/ripcord-cpp.XXXXXX";

		ck_assert_ptr_nonnull(mkdtemp(name));
		path = name;
		ck_assert_int_eq(mkdir((path + "/etc").c_str(), 0755), 0);
	}
	~folder()
	{
		if (system(("rm -rf '" + path + "'").c_str()) != 0)
			perror("rm");
	}
	void write(const std::string &name, const std::string &text)
	{
		std::ofstream(path + "/etc/" + name) << text;
	}

	std::string path;
};

START_TEST(a_flag_starts_as_it_was_compiled)
{
	forget();
	ck_assert(!first);
	ck_assert(initial);
	ck_assert(initial.enabled());
	ck_assert(!user::first.enabled());
	ck_assert(!ripcord::flag(plain));
}
END_TEST

START_TEST(copies_read_the_same_flag)
{
	ripcord::flag copy = first;

	forget();
	flag_test_set(first.get(), 1);
	ck_assert(first && copy);
	ck_assert(!user::first);
	flag_test_set(copy.get(), 0);
	ck_assert(!first && !copy);
	forget();
}
END_TEST

START_TEST(both_arms_of_a_flag_are_run)
{
	std::string seen;

	forget();
	FLAG_TEST_BOTH(first.get())
		seen += first ? "on " : "off ";
	ck_assert_str_eq(seen.c_str(), "off on ");
}
END_TEST

START_TEST(a_flag_is_found_by_name)
{
	ripcord::flag known = ripcord::flag::find("cpp.initial");
	ripcord::flag unknown = ripcord::flag::find("cpp.nobody");

	forget();
	ck_assert(known.enabled());
	ck_assert(!unknown.enabled());
	ck_assert_ptr_eq(unknown.get(),
			 ripcord::flag::find("cpp.nobody").get());
	ck_assert(!ripcord::flag::find("no name!").enabled());
}
END_TEST

START_TEST(a_flag_explains_itself)
{
	forget();
	ck_assert_int_eq(first.explain().compare(0, 3, "off"), 0);
	ck_assert_int_eq(initial.explain().compare(0, 2, "on"), 0);
}
END_TEST

START_TEST(a_span_keeps_its_arm)
{
	forget();
	flag_test_set(first.get(), 1);
	{
		ripcord::span span(first);

		ck_assert(span);
		flag_test_set(first.get(), 0);
		ck_assert(span.enabled());
		ck_assert(!ripcord::span(first).enabled());
	}
	forget();
}
END_TEST

START_TEST(the_first_end_of_a_span_counts)
{
	forget();
	{
		ripcord::span span(first);

		span.end(FLAG_NEUTRAL);
		span.end(FLAG_FAILED);
		span.cancel();
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(cancelled, 0);
	ck_assert_int_eq(last_outcome, FLAG_NEUTRAL);
	{
		ripcord::span span(first);

		span.cancel();
		span.end();
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(cancelled, 1);
}
END_TEST

START_TEST(a_span_that_is_left_is_cancelled)
{
	forget();
	{
		ripcord::span span(first);
	}
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(cancelled, 1);
}
END_TEST

START_TEST(an_exception_ends_a_span_as_failed)
{
	forget();
	try {
		ripcord::span span(first);

		throw std::runtime_error("the arm failed");
	} catch (const std::runtime_error &) {
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(cancelled, 0);
	ck_assert_int_eq(last_outcome, FLAG_FAILED);
}
END_TEST

START_TEST(an_exception_does_not_end_a_span_twice)
{
	forget();
	try {
		ripcord::span span(first);

		span.end(FLAG_OK);
		throw std::runtime_error("after the arm");
	} catch (const std::runtime_error &) {
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(last_outcome, FLAG_OK);
}
END_TEST

// A destructor that runs an arm of its own while an exception passes.
struct cleaner {
	~cleaner() { ripcord::span span(first); }
};

START_TEST(a_passing_exception_does_not_fail_a_span_begun_later)
{
	forget();
	try {
		cleaner at_the_end;

		throw std::runtime_error("elsewhere");
	} catch (const std::runtime_error &) {
	}
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(cancelled, 1);
}
END_TEST

START_TEST(a_service_runs_as_long_as_its_object)
{
	folder root;
	ripcord::options options = ripcord::default_options();

	forget();
	root.write("cppsvc.ini", "[cpp.first]\nstate = on\n");
	options.root = root.path.c_str();
	{
		ripcord::service service("cppsvc", options);

		ck_assert_int_eq(service.status(), 0);
		ck_assert_str_eq(service.problem().text, "");
		ck_assert(first);
		ck_assert(!user::first);
		ck_assert_int_eq(flag_reload(nullptr), 0);
	}
	ck_assert_int_eq(flag_reload(nullptr), -FLAG_EAGAIN);
	ck_assert(first);
}
END_TEST

// The state of "cpp.first" at 25%: of the keys, those below a quarter.
START_TEST(a_key_has_its_arm)
{
	folder root;
	ripcord::options options = ripcord::default_options();
	unsigned on = 0;

	forget();
	root.write("cppsvc.ini", "[cpp.first]\nstate = 25%\n");
	options.root = root.path.c_str();

	ripcord::service service("cppsvc", options);

	for (unsigned id = 0; id < 400; id++) {
		std::string key = std::to_string(id);
		bool arm = first.enabled_for(key);

		ck_assert_int_eq(arm, first.enabled_for(key.c_str()));
		ck_assert_int_eq(arm, first.enabled_for_id(id));
		ck_assert_int_eq(arm, ripcord::span(first, key).enabled());
		ck_assert_int_eq(arm, flag_enabled_for_str(first.get(),
							   key.c_str()));
		on += arm;
	}
	ck_assert_uint_gt(on, 50);
	ck_assert_uint_lt(on, 150);
	ck_assert(!first.enabled_for(nullptr));
}
END_TEST

START_TEST(tunables_have_their_values)
{
	folder root;
	ripcord::options options = ripcord::default_options();

	ck_assert(ripcord::value(strict));
	ck_assert_int_eq(ripcord::value(retries), -3);
	ck_assert(ripcord::value(ratio) == 0.75);
	ck_assert(ripcord::value(patience) == std::chrono::microseconds(2));
	ck_assert_uint_eq(ripcord::value(bytes), 64u << 20);
	ck_assert(ripcord::value(mode) == "lru");

	root.write("cppsvc.ini", "[cpp.strict]\nvalue = off\n"
		   "[cpp.retries]\nvalue = 7\n[cpp.ratio]\nvalue = 0.5\n"
		   "[cpp.patience]\nvalue = 3us\n[cpp.bytes]\nvalue = 2M\n"
		   "[cpp.mode]\nvalue = arc\n");
	options.root = root.path.c_str();

	ripcord::service service("cppsvc", options);

	ck_assert_int_eq(service.status(), 0);
	ck_assert(!ripcord::value(strict));
	ck_assert_int_eq(ripcord::value(retries), 7);
	ck_assert(ripcord::value(ratio) == 0.5);
	ck_assert(ripcord::value(patience) == std::chrono::microseconds(3));
	ck_assert_uint_eq(ripcord::value(bytes), 2u << 20);
	ck_assert(ripcord::value(mode) == "arc");
}
END_TEST

START_TEST(a_view_shows_one_generation_until_it_ends)
{
	folder root;
	ripcord::options options = ripcord::default_options();

	forget();
	root.write("cppsvc.ini", "[cpp.first]\nstate = on\n"
		   "[cpp.strict]\nvalue = on\n[cpp.retries]\nvalue = 7\n"
		   "[cpp.ratio]\nvalue = 0.5\n[cpp.patience]\nvalue = 3us\n"
		   "[cpp.bytes]\nvalue = 2M\n[cpp.mode]\nvalue = arc\n");
	options.root = root.path.c_str();

	ripcord::service service("cppsvc", options);

	{
		ripcord::view view;

		ck_assert(view.enabled(first));
		root.write("cppsvc.ini", "[cpp.first]\nstate = on\n");
		ck_assert_int_eq(flag_reload(nullptr), 0);
		ck_assert_uint_eq(ripcord::value(bytes), 64u << 20);
		ck_assert(view.value(strict));
		ck_assert_int_eq(view.value(retries), 7);
		ck_assert(view.value(ratio) == 0.5);
		ck_assert(view.value(patience) == std::chrono::microseconds(3));
		ck_assert_uint_eq(view.value(bytes), 2u << 20);
		ck_assert_str_eq(view.value(mode), "arc");
	}
	// More generations than can be looked at: each view has ended.
	for (unsigned size = 2; size < 10; size++) {
		root.write("cppsvc.ini", "[cpp.bytes]\nvalue = " +
			   std::to_string(size) + "M\n");
		ck_assert_int_eq(flag_reload(nullptr), 0);

		ripcord::view view;

		ck_assert_uint_eq(view.value(bytes), size << 20);
		ck_assert_str_eq(view.value(mode), "lru");
	}
}
END_TEST

START_TEST(a_degraded_service_has_started)
{
	folder root;
	ripcord::options options = ripcord::default_options();

	forget();
	root.write("cppsvc.ini", "[cpp.initial]\nstat = off\n");
	options.root = root.path.c_str();

	ripcord::service service("cppsvc", options);

	ck_assert_int_eq(service.status(), FLAG_ECONFIG);
	ck_assert_uint_eq(service.problem().line, 2);
	ck_assert(initial);
}
END_TEST

START_TEST(a_service_that_fails_throws_or_says_so)
{
	bool thrown = false;

	try {
		ripcord::service service("no service!");
	} catch (const std::system_error &error) {
		thrown = true;
		ck_assert(error.code().category() == ripcord::category());
		ck_assert_int_eq(error.code().value(), FLAG_EINVAL);
	}
	ck_assert(thrown);

	ripcord::service service("no service!", ripcord::default_options(),
				 std::nothrow);

	ck_assert_int_eq(service.status(), -FLAG_EINVAL);
	ck_assert_str_ne(service.problem().text, "");
}
END_TEST

START_TEST(codes_have_the_texts_of_the_library)
{
	std::error_code code(FLAG_ECONFIG, ripcord::category());
	std::string text = code.message();

	ck_assert_str_eq(code.category().name(), "ripcord");
	ck_assert_str_eq(text.c_str(), flag_strerror(FLAG_ECONFIG));
}
END_TEST

const TTest *const tests[] = {
	a_flag_starts_as_it_was_compiled,
	copies_read_the_same_flag,
	both_arms_of_a_flag_are_run,
	a_flag_is_found_by_name,
	a_flag_explains_itself,
	a_span_keeps_its_arm,
	the_first_end_of_a_span_counts,
	a_span_that_is_left_is_cancelled,
	an_exception_ends_a_span_as_failed,
	an_exception_does_not_end_a_span_twice,
	a_passing_exception_does_not_fail_a_span_begun_later,
	a_service_runs_as_long_as_its_object,
	a_key_has_its_arm,
	tunables_have_their_values,
	a_view_shows_one_generation_until_it_ends,
	a_degraded_service_has_started,
	a_service_that_fails_throws_or_says_so,
	codes_have_the_texts_of_the_library,
	nullptr
};

}

int main()
{
	return suite_run("cpp", tests);
}

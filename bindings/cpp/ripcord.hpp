// SPDX-License-Identifier: MIT
//
// ripcord.hpp - the C++ face of ripcord.h: flags, spans, tunables, views and a
// service that stops by itself.  C++11; header only; adds nothing to link.
//
//	RIPCORD_FLAG(fast_crc, "checksum.crc32c", "hardware CRC32C");
//
//	int main()
//	{
//		ripcord::service service("mysvc");
//		...
//		crc = fast_crc ? crc_hardware(p, n) : crc_table(p, n);
//
// ripcord.h says who may call what and when.
#ifndef RIPCORD_HPP
#define RIPCORD_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include <ripcord.h>

// RIPCORD_FLAG(id, "name", "summary"): defines a flag and a ripcord::flag id
// that reads it, at file or namespace scope (g++ takes no sections inside of
// inline functions and templates).
//
// RIPCORD_FLAG_WITH adds bits (FLAG_INITIAL_ON, ...) and the owner or NULL.
//
// RIPCORD_DECLARE(id): names one that another file of the same linked object
// defines.
#define RIPCORD_FLAG(id, name, summary) \
	RIPCORD_FLAG_WITH(id, name, summary, 0u, NULL)
#define RIPCORD_FLAG_WITH(id, name, summary, bits, owner) \
	FLAG_DEFINE_WITH(id##_flag_cell, name, summary, bits, owner); \
	RIPCORD_OBJECT_(id)
#define RIPCORD_DECLARE(id) \
	FLAG_DECLARE(id##_flag_cell); \
	RIPCORD_OBJECT_(id)
#define RIPCORD_OBJECT_(id) \
	static constexpr ::ripcord::flag id \
		__attribute__((__unused__))(id##_flag_cell)

namespace ripcord {

using outcome = ::flag_outcome;
using options = ::flag_options;

// The options of FLAG_OPTIONS_INIT, to change and hand to service.
inline options default_options() noexcept
{
	return options FLAG_OPTIONS_INIT;
}

// One flag.  As small as a pointer; copies read the same flag.
class flag {
public:
	constexpr explicit flag(struct ::flag &cell) noexcept : cell_(&cell) { }

	// A flag by name, known or not; never fails (flag_find).
	static flag find(const char *name) noexcept
	{
		return flag(*::flag_find(name));
	}

	// One load and one branch (flag_enabled).
	bool enabled() const noexcept { return ::flag_enabled(cell_) != 0; }
	explicit operator bool() const noexcept { return enabled(); }

	// The arm of a key, or of a number (flag_enabled_for).
	bool enabled_for(const char *key) const noexcept
	{
		return ::flag_enabled_for_str(cell_, key) != 0;
	}
	bool enabled_for(const std::string &key) const noexcept
	{
		return ::flag_enabled_for(cell_, key.data(), key.size()) != 0;
	}
	bool enabled_for_id(std::uint64_t id) const noexcept
	{
		return ::flag_enabled_for_id(cell_, id) != 0;
	}

	// Why it is as it is, in one line (flag_explain).
	std::string explain() const
	{
		char text[512];

		::flag_explain(cell_, text, sizeof(text));
		return text;
	}

	struct ::flag *get() const noexcept { return cell_; }

private:
	struct ::flag *cell_;
};

// One run of an arm (flag_begin, flag_end).  A span that its scope leaves
// without end() is cancelled, unless an exception passes: then it ends as
// FLAG_FAILED, because the arm did not do what it should.  An exception that
// says nothing of the arm is for the caller: cancel() before it.
class span {
public:
	explicit span(flag f) noexcept
		: open_(true), exceptions_(pending()),
		  on_(::flag_begin(&span_, f.get()) != 0) { }
	// With the arm of a key (flag_begin_keyed).
	span(flag f, const std::string &key) noexcept
		: open_(true), exceptions_(pending()),
		  on_(::flag_begin_keyed(&span_, f.get(), key.data(),
					 key.size()) != 0) { }
	~span()
	{
		if (!open_)
			return;
		if (pending() > exceptions_)
			::flag_end(&span_, FLAG_FAILED);
		else
			::flag_cancel(&span_);
	}
	span(const span &) = delete;
	span &operator=(const span &) = delete;

	// The arm that was chosen at the beginning.
	bool enabled() const noexcept { return on_; }
	explicit operator bool() const noexcept { return on_; }

	// The first of these counts, later ones do nothing.
	void end(outcome how = FLAG_OK) noexcept
	{
		if (open_)
			::flag_end(&span_, how);
		open_ = false;
	}
	void cancel() noexcept
	{
		if (open_)
			::flag_cancel(&span_);
		open_ = false;
	}

private:
	// Exceptions on their way in this thread; before C++17 only whether
	// any is, and a span begun meanwhile is cancelled.
	static int pending() noexcept
	{
#if defined(__cpp_lib_uncaught_exceptions)
		return std::uncaught_exceptions();
#else
		return std::uncaught_exception() ? 1 : 0;
#endif
	}

	struct ::flag_span span_;
	bool open_;
	int exceptions_;
	bool on_;
};

// The value of a tunable, as FLAG_SIZE and the others define it.
inline bool value(const struct ::flag_bool &tunable) noexcept
{
	return ::flag_bool(&tunable) != 0;
}
inline std::int64_t value(const struct ::flag_int64 &tunable) noexcept
{
	return ::flag_int64(&tunable);
}
inline double value(const struct ::flag_double &tunable) noexcept
{
	return ::flag_double(&tunable);
}
inline std::chrono::nanoseconds
value(const struct ::flag_duration &tunable) noexcept
{
	return std::chrono::nanoseconds(::flag_duration(&tunable));
}
inline std::uint64_t value(const struct ::flag_size &tunable) noexcept
{
	return ::flag_size(&tunable);
}

// One generation for one request, until the end of its scope
// (flag_view_begin).
class view {
public:
	view() noexcept { ::flag_view_begin(&view_); }
	~view() { ::flag_view_end(&view_); }
	view(const view &) = delete;
	view &operator=(const view &) = delete;

	bool enabled(flag f) const noexcept
	{
		return ::flag_view_enabled(&view_, f.get()) != 0;
	}
	bool value(const struct ::flag_bool &tunable) const noexcept
	{
		return ::flag_view_bool(&view_, &tunable) != 0;
	}
	std::int64_t value(const struct ::flag_int64 &tunable) const noexcept
	{
		return ::flag_view_int64(&view_, &tunable);
	}
	double value(const struct ::flag_double &tunable) const noexcept
	{
		return ::flag_view_double(&view_, &tunable);
	}
	std::chrono::nanoseconds
	value(const struct ::flag_duration &tunable) const noexcept
	{
		return std::chrono::nanoseconds(
			::flag_view_duration(&view_, &tunable));
	}
	std::uint64_t value(const struct ::flag_size &tunable) const noexcept
	{
		return ::flag_view_size(&view_, &tunable);
	}
	// The text itself: gone with the view.
	const char *value(const struct ::flag_string &tunable) const noexcept
	{
		return ::flag_view_string(&view_, &tunable);
	}

private:
	struct ::flag_view view_;
};

inline std::string value(const struct ::flag_string &tunable)
{
	view now;

	return now.value(tunable);
}

// The codes of ripcord.h as an error category; its texts are flag_strerror's.
inline const std::error_category &category() noexcept
{
	class codes : public std::error_category {
	public:
		const char *name() const noexcept override { return "ripcord"; }
		std::string message(int code) const override
		{
			return ::flag_strerror(code);
		}
	};
	static const codes instance;

	return instance;
}

// flag_start() now, flag_stop() at the end of its scope.  A service that
// starts degraded has started: ask status() and problem().
class service {
public:
	// Never throws: status() < 0 is compiled defaults only.
	service(const char *name, const options &how, std::nothrow_t) noexcept
		: status_(::flag_start(name, &how, &problem_)) { }

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
	// Throws std::system_error of category() where flag_start() fails.
	explicit service(const char *name,
			 const options &how = default_options())
		: service(name, how, std::nothrow)
	{
		if (status_ < 0)
			throw std::system_error(-status_, category(),
						problem_.text);
	}
#endif
	~service()
	{
		if (status_ >= 0)
			::flag_stop();
	}
	service(const service &) = delete;
	service &operator=(const service &) = delete;

	// What flag_start() returned: 0, positive degraded, negative failed.
	int status() const noexcept { return status_; }
	// What went wrong, if status() is not 0.
	const ::flag_error &problem() const noexcept { return problem_; }

private:
	::flag_error problem_ = { };
	int status_;
};

}

#endif

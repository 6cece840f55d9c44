// SPDX-License-Identifier: MIT
// sections_cxx.cc - flags defined in C++, beside templates and inline
// functions that read them.
#include "sections.h"

FLAG_DEFINE(cxx_first, "sections.cxx.first", "defined in C++");
namespace sections {
FLAG_DEFINE(cxx_second, "sections.cxx.second", "inside a namespace");

template <class T> T
choose(T on, T off)
{
	return flag_enabled(&cxx_second) ? on : off;
}
}

struct flag *
sections_cxx_flag()
{
	return sections::choose(&cxx_first, &sections::cxx_second);
}

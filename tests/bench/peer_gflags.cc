// SPDX-License-Identifier: MIT
// peer_gflags.cc - FLAGS_x of gflags, a plain global that other threads may not
// change meanwhile; volatile, so that each read is one.
#include "peers.h"

#ifdef HAVE_GFLAGS
#include <gflags/gflags.h>

DEFINE_bool(bench_off, false, "stays off");

LOOPS_DENSE(gflags_off, *(volatile bool *)&FLAGS_bench_off, 0)

const struct peer *peer_gflags()
{
	static const struct peer self = { gflags_off, nullptr, nullptr };

	return &self;
}
#else
const struct peer *peer_gflags()
{
	return nullptr;
}
#endif

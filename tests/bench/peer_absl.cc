// SPDX-License-Identifier: MIT
// peer_absl.cc - absl::GetFlag<bool>, as its manual says, with -DNDEBUG.
#include "peers.h"

#ifdef HAVE_ABSL
#include "absl/flags/flag.h"

ABSL_FLAG(bool, bench_off, false, "stays off");

LOOPS_DENSE(absl_off, absl::GetFlag(FLAGS_bench_off), 0)

const struct peer *peer_absl()
{
	static const struct peer self = { absl_off, nullptr, nullptr };

	return &self;
}
#else
const struct peer *peer_absl()
{
	return nullptr;
}
#endif

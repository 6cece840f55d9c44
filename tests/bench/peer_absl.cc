// SPDX-License-Identifier: MIT
// peer_absl.cc - absl::GetFlag<bool>, as its manual says, with -DNDEBUG.
#include "peers.h"

#ifdef HAVE_ABSL
#include "absl/flags/flag.h"

ABSL_FLAG(bool, bench_off, false, "stays off");

LOOPS_DENSE(absl_off, absl::GetFlag(FLAGS_bench_off), 0)

loop_fn *peers_absl()
{
	return absl_off;
}
#else
loop_fn *peers_absl()
{
	return NULL;
}
#endif

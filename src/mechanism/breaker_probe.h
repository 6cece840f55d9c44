/* SPDX-License-Identifier: MIT */
/* breaker_probe.h - half-open: permits, their leases, and the decision. */
#ifndef FLAGP_BREAKER_PROBE_H
#define FLAGP_BREAKER_PROBE_H

#include "mechanism/breaker_word.h"

/* How a probe ended. */
enum probe_end { PROBE_OK, PROBE_BAD, PROBE_NEUTRAL, PROBE_LOST };

/*
 * Takes back every lease of *word's round that is over.  True: there was one,
 * and *word is what it is now.
 */
bool flagp_breaker_probe_reclaim(struct breaker *breaker, uint64_t *word,
				 struct breaker_moment at);

/*
 * Admits a call in half-open, or refuses it.  False: nothing is decided, and
 * *word is another: somebody was faster, or the breaker is closed now.
 */
bool flagp_breaker_probe_admit(struct breaker *breaker, uint64_t *word,
			       struct breaker_moment at,
			       struct breaker_verdict *verdict);

/* The answer of a probe.  False: late, its permit is not its own any more. */
bool flagp_breaker_probe_answer(struct breaker *breaker, uint64_t token,
				enum probe_end end, struct breaker_moment at);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * breaker_model.h - the breaker again, slow and obvious: plain fields, no
 * packing, no shortcut, generations that never wrap.  What both do is compared
 * step by step.
 */
#ifndef BREAKER_MODEL_H
#define BREAKER_MODEL_H

#include "mechanism/breaker.h"

#define MODEL_SHARDS 4

struct model_token {
	bool counts;			/* false: its result says nothing */
	uint64_t generation;
	uint64_t probe;			/* 0: no probe */
};

struct model_answer {
	bool allowed;
	enum breaker_why why;
	uint32_t retry_ms;
	struct model_token token;
};

enum model_result { MODEL_OK, MODEL_FAIL, MODEL_CANCEL };

struct model_permit {
	uint64_t probe;			/* 0: free */
	uint64_t end_ms;		/* 0: never */
};

struct model_bucket {
	bool used;
	uint64_t generation, piece;
	uint64_t calls, failed, slow;
};

struct model {
	struct breaker_config config;
	enum breaker_state state;
	bool latched, by_operator;
	uint64_t generation;
	unsigned attempt;
	uint64_t since, deadline, quiet;
	struct model_permit permit[BREAKER_PERMITS_MAX];
	unsigned ok, bad, gone;
	uint64_t probes;		/* numbers given so far */
	uint64_t run;
	struct model_bucket bucket[MODEL_SHARDS][BREAKER_BUCKETS_MAX];
	uint64_t late, lost, would, denied, dropped;

	unsigned events;
	struct breaker_event event;	/* the last: not its counts */
};

void model_init(struct model *model, const struct breaker_config *config,
		uint64_t ms);
struct model_answer model_allow(struct model *model, struct breaker_moment at);
void model_result(struct model *model, struct model_token token,
		  enum model_result result, uint64_t duration_ns,
		  struct breaker_moment at);
void model_poll(struct model *model, struct breaker_moment at);
void model_trip(struct model *model, struct breaker_moment at);
void model_trip_for(struct model *model, uint64_t ms,
		    struct breaker_moment at);
void model_reset(struct model *model, struct breaker_moment at);
int model_probe(struct model *model, struct breaker_moment at);
void model_reload(struct model *model, const struct breaker_config *config,
		  struct breaker_moment at);
void model_child(struct model *model);
struct breaker_sums model_sum(const struct model *model, uint64_t ms);
unsigned model_inflight(const struct model *model);

#endif

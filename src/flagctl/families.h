/* SPDX-License-Identifier: MIT */
/*
 * families.h - who has acknowledged.  Processes that share a board are a
 * family; one driver among them applies a change for all of it.
 */
#ifndef FLAGP_FAMILIES_H
#define FLAGP_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

#include "flagctl/client.h"
#include "flagctl/wait.h"
#include "store/proc.h"

/* What has to be acknowledged. */
struct families_goal {
	struct proc_ack ack;	/* at least these; config: exactly, if set */
	bool config;		/* config counts, and each driver for itself */
	bool no_panic;		/* panic has to be 0 */
};

struct families_verdict {
	size_t families, acknowledged, processes;
	size_t unreadable;		/* live, but their entry is not clear */
};

/* A driver that has not turned for two seconds. */
bool flagp_families_is_stale(const struct proc_entry *entry);
size_t flagp_families_count(const struct proc_list *procs);

/* Counts.  True: each family has acknowledged, and there is one. */
bool flagp_families_judge(const struct proc_list *procs,
			  const struct families_goal *goal,
			  struct families_verdict *verdict);

/* Prints an error for each that has not acknowledged. */
void flagp_families_complain(const struct proc_list *procs,
			     const struct families_goal *goal);

/*
 * Prints an error for each driver whose reported word of flag (NULL: of any)
 * is not what the layers say, and not because of a change that is newer than
 * generation.  client was scanned with its flags.  Returns their number.
 */
size_t flagp_families_wrong(const struct client *client, const char *flag,
			    uint64_t generation);

/*
 * Processes that map a board of the service which no live registration names.
 * Prints an error for each if say is set.  Returns their number.
 */
size_t flagp_families_unseen(const struct client *client, bool say);

#endif

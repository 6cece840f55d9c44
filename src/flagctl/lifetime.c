/* SPDX-License-Identifier: MIT */
/* lifetime.c - see lifetime.h. */
#include "flagctl/lifetime.h"

#include "flagctl/print.h"
#include "store/words.h"

#define DEFAULT_SECONDS 3600

/* The one of three that was given, or OPTION_COUNT. */
static int
choose(const struct request *request, enum option_id *chosen)
{
	static const enum option_id ends[] = {
		OPTION_FOR, OPTION_UNTIL, OPTION_FOREVER,
	};

	*chosen = OPTION_COUNT;
	for (size_t i = 0; i < FLAGP_COUNT(ends); i++) {
		if (!flagp_request_has(request, ends[i]))
			continue;
		if (*chosen != OPTION_COUNT)
			return flagp_print_fail(CODE_USAGE,
				"--%s and --%s: one end is enough; keep one "
				"of them", flagp_options[*chosen].word,
				flagp_options[ends[i]].word);
		*chosen = ends[i];
	}
	return CODE_DONE;
}

static int
read_until(struct lifetime *lifetime, const struct request *request,
	   int64_t now)
{
	if (!flagp_words_time.read(request->until, &lifetime->until,
				   sizeof(lifetime->until)))
		return flagp_print_fail(CODE_USAGE,
			"--until: \"%.40s\" is not accepted; %s is, in UTC",
			request->until, flagp_words_time.accepts);
	if (lifetime->until <= now)
		return flagp_print_fail(CODE_USAGE,
			"--until %s: that is over; give a time to come",
			request->until);
	return CODE_DONE;
}

int
flagp_lifetime_read(struct lifetime *lifetime, const struct request *request,
		    int64_t now)
{
	enum option_id chosen;
	int code = choose(request, &chosen);

	*lifetime = (struct lifetime){
		.until = now + DEFAULT_SECONDS,
		.persist = flagp_request_has(request, OPTION_PERSIST),
	};
	if (code != CODE_DONE)
		return code;
	if (chosen != OPTION_COUNT)
		lifetime->option = flagp_options[chosen].word;
	else if (lifetime->persist)
		lifetime->option = flagp_options[OPTION_PERSIST].word;
	switch (chosen) {
	case OPTION_FOR:
		lifetime->until = now + (request->for_ms + 999) / 1000;
		return CODE_DONE;
	case OPTION_UNTIL:
		return read_until(lifetime, request, now);
	case OPTION_FOREVER:
		lifetime->until = 0;
		if (request->reason != NULL)
			return CODE_DONE;
		return flagp_print_fail(CODE_USAGE,
			"--forever: whoever finds it wants to know why; add "
			"--reason TEXT");
	default:
		return CODE_DONE;
	}
}

int
flagp_lifetime_refuse(const struct lifetime *lifetime, const char *flag)
{
	return flagp_print_fail(CODE_REFUSED,
		"%s: --%s: an override that is below the configured share "
		"lasts until it is unset, for nobody would see the optimized "
		"arm come back; leave --%s out; nothing changed", flag,
		lifetime->option, lifetime->option);
}

const char *
flagp_lifetime_text(const struct lifetime *lifetime, bool ends)
{
	if (!ends)
		return "until unset";
	if (lifetime->until == 0)
		return lifetime->persist ? "until unset" :
					   "until unset or the next boot";
	if (lifetime->option == NULL)
		return "for an hour, or until the next boot";
	return lifetime->persist ? "until then, over a boot too" :
				   "until then, or until the next boot";
}

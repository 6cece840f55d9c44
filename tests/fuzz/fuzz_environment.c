/* SPDX-License-Identifier: MIT */
/*
 * fuzz_environment.c - RIPCORD_FLAGS: store/conf_environment.c.
 *
 * The input is what the variable holds.  Either it is refused, by the number
 * of an item, and nothing was added; or another reader, which cuts it at its
 * commas, finds each item as a text, and as a state if it is one.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "base/value.h"
#include "store/conf.h"

#define SIZE_MAX_ 2000u

static unsigned
count_items(const char *text)
{
	unsigned items = 1;

	for (; *text != '\0'; text++)
		items += *text == ',';
	return items;
}

static void
check_refusal(const struct conf *conf, const char *text,
	      const struct flag_error *error)
{
	fuzz_check_error(error, FLAG_ECONFIG, CONF_ENVIRONMENT,
			 count_items(text));
	FUZZ_CHECK((error->line == 0) ==
		   (strlen(text) > CONF_ENVIRONMENT_LIMIT));
	FUZZ_CHECK(strstr(error->text, "not applied") != NULL);
	FUZZ_CHECK(conf->count == 0);
}

static void
check_item(const struct conf_value *value, const char *text)
{
	uint32_t share = FLAGP_SHARE_NONE;

	FUZZ_CHECK(value != NULL && strcmp(value->text, text) == 0);
	FUZZ_CHECK(text[0] != '\0');
	for (size_t i = 0; text[i] != '\0'; i++)
		FUZZ_CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
	(void)flagp_value_state(text, &share);
	FUZZ_CHECK(value->share == share);
	FUZZ_CHECK(!value->dropin && !value->again);
	FUZZ_CHECK(strcmp(value->file, CONF_ENVIRONMENT) == 0);
}

static void
check_items(const struct conf *conf, const char *text)
{
	char *copy = fuzz_copy(text, strlen(text) + 1), *rest = copy, *item;
	unsigned number = 0;

	while ((item = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(item, '=');
		const struct conf_value *value;

		FUZZ_CHECK(equals != NULL);
		*equals = '\0';
		FUZZ_CHECK(flagp_text_is_flag(item));
		value = flagp_conf_first(conf, item);
		check_item(value, equals + 1);
		FUZZ_CHECK(value->line == ++number);
	}
	FUZZ_CHECK(conf->count == number);
	free(copy);
}

static void
check_starved(const struct conf *whole, int wanted, const char *text)
{
	struct flag_error error = { 0 };
	struct conf conf = { 0 };
	int result;

	fuzz_starve((unsigned)(fuzz_hash(text, strlen(text)) % 5));
	result = flagp_conf_environment(&conf, text, &error);
	if (fuzz_fed()) {
		FUZZ_CHECK(result == -FLAG_ENOMEM);
		FUZZ_CHECK(error.code == FLAG_ENOMEM);
		FUZZ_CHECK(conf.count == 0);
	} else {
		FUZZ_CHECK(result == wanted);
		FUZZ_CHECK(conf.count == whole->count);
	}
	flagp_conf_free(&conf);
}

bool
fuzz_environment(const uint8_t *data, size_t size)
{
	struct flag_error error = { 0 };
	struct conf conf = { 0 };
	char *text;
	int result;

	/* A variable holds no NUL. */
	if (size > SIZE_MAX_ ||
	    (size > 0 && memchr(data, '\0', size) != NULL))
		return false;
	text = malloc(size + 1);
	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	result = flagp_conf_environment(&conf, text, &error);
	FUZZ_CHECK(result == 0 || result == -FLAG_ECONFIG);
	if (result < 0)
		check_refusal(&conf, text, &error);
	else if (size > 0)
		check_items(&conf, text);
	else
		FUZZ_CHECK(conf.count == 0);
	check_starved(&conf, result, text);
	flagp_conf_free(&conf);
	free(text);
	return result == 0;
}

FUZZ_TARGET(fuzz_environment)

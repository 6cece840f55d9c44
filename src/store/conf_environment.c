/* SPDX-License-Identifier: MIT */
/* conf_environment.c - RIPCORD_FLAGS=a.b=on,c=25% into a configuration. */
#include "store/conf.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/value.h"
#include "store/conf_parse.h"

/* One item on its way: name=text, both copies of their own. */
struct item {
	char *name, *text;
	unsigned number;
	const char *file;
};

static int
refuse(const struct item *item, const char *why, struct flag_error *error)
{
	return flagp_error_set(error, FLAG_ECONFIG, CONF_ENVIRONMENT,
			       item->number, "%.60s%s%.60s: %s "
			       "(environment not applied; the files decide)",
			       item->name,
			       item->text != NULL ? "=" : "",
			       item->text != NULL ? item->text : "", why);
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static int
check_once(const struct conf *conf, const struct item *item,
	   struct flag_error *error)
{
	char why[64];

	for (size_t i = 0; i < conf->count; i++) {
		if (strcmp(conf->values[i].flag, item->name) != 0)
			continue;
		snprintf(why, sizeof(why), "item %u has this name already; "
			 "keep one of the two", conf->values[i].line);
		return refuse(item, why, error);
	}
	return 0;
}

static int
check(const struct conf *conf, const struct item *item,
      struct flag_error *error)
{
	if (item->text == NULL || item->text[0] == '\0')
		return refuse(item, "write name=state or name=value, with a "
			      "comma between items", error);
	if (has_control(item->text))
		return refuse(item, "a control character; use plain text",
			      error);
	if (!flagp_text_is_name(item->name))
		return refuse(item, "not a flag's name; use letters, digits, "
			      "_ . and -, begin with a letter or digit, at "
			      "most 48", error);
	if (flagp_text_is_reserved(item->name))
		return refuse(item, "a reserved word of the configuration; "
			      "use a flag's name", error);
	return check_once(conf, item, error);
}

static int
add(struct conf *conf, const struct item *item, struct flag_error *error)
{
	struct conf_value value = {
		.flag = item->name, .file = item->file, .text = item->text,
		.line = item->number, .share = FLAGP_SHARE_NONE,
	};
	int result = check(conf, item, error);

	if (result < 0)
		return result;
	(void)flagp_value_state(item->text, &value.share);
	if (!flagp_conf_append(conf, &value))
		return flagp_error_set(error, FLAG_ENOMEM, NULL, 0,
				       "out of memory");
	return 0;
}

/* Items of a copy that it cuts in pieces. */
static int
add_items(struct conf *conf, char *rest, struct flag_error *error)
{
	struct item item = { .file = flagp_conf_source(conf,
						       CONF_ENVIRONMENT) };
	int result = 0;

	if (item.file == NULL || rest == NULL)
		return flagp_error_set(error, FLAG_ENOMEM, NULL, 0,
				       "out of memory");
	while (result == 0 && (item.name = strsep(&rest, ",")) != NULL) {
		item.number++;
		item.text = strchr(item.name, '=');
		if (item.text != NULL)
			*item.text++ = '\0';
		result = add(conf, &item, error);
	}
	return result;
}

int
flagp_conf_environment(struct conf *conf, const char *text,
		       struct flag_error *error)
{
	size_t size = strlen(text);
	int result = flagp_conf_prepare(conf, error);

	if (result < 0 || size == 0)
		return result;
	if (size > CONF_ENVIRONMENT_LIMIT)
		return flagp_error_set(error, FLAG_ECONFIG, CONF_ENVIRONMENT,
				       0, "%zu characters; at most %u are "
				       "accepted (environment not applied; "
				       "the files decide)",
				       size, CONF_ENVIRONMENT_LIMIT);
	result = add_items(conf, flagp_conf_keep(conf, text, size), error);
	if (result < 0)
		conf->count = 0;
	flagp_conf_sort(conf);
	return result;
}

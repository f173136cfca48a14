#include "harness/scenario/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LEN_MIN 4

/* Takes text. */
static char *replace(char *text, const char *value, const char *with)
{
	struct buf replaced = {.ceiling = SIZE_MAX};
	const char *at = text, *found;

	if (!strstr(text, value))
		return text;
	for (; (found = strstr(at, value)); at = found + strlen(value)) {
		buf_add(&replaced, at, (size_t)(found - at));
		buf_adds(&replaced, with);
	}
	buf_adds(&replaced, at);
	free(text);
	return buf_take(&replaced);
}

/* As it is, and as it stands between the quotes of a shell. */
static void add_forms(struct strlist *forms, const char *value)
{
	SCOPED(mem_free) char *in_shell = replace(mem_text(value), "'", "'\\''");

	strlist_add(forms, "%s", in_shell);
	strlist_add(forms, "%s", value);
}

/* As in a string of JSON. */
static char *escaped(const char *value)
{
	SCOPED(json_free) cJSON *string = cJSON_CreateString(value);
	SCOPED(mem_free) char *quoted = json_print(string);

	return mem_textf("%.*s", (int)strlen(quoted) - 2, quoted + 1);
}

typedef bool is_secret_fn(const struct scenario *scenario, const char *name);

/* pairs are "NAME=value" each. */
static void add_secrets(struct strlist *forms, const struct scenario *scenario,
	const struct strlist *pairs, is_secret_fn *is_secret)
{
	for (unsigned i = 0; i < pairs->count; i++) {
		const char *pair = pairs->item[i];
		const char *equals = strchr(pair, '=');
		SCOPED(mem_free) char *name = NULL, *in_json = NULL;

		if (!equals || strlen(equals + 1) < LEN_MIN)
			continue;
		name = mem_textf("%.*s", (int)(equals - pair), pair);
		if (!is_secret(scenario, name))
			continue;
		in_json = escaped(equals + 1);
		add_forms(forms, in_json);
		add_forms(forms, equals + 1);
	}
}

/* The secret values in each of their forms. */
static struct strlist forms_of(const struct scenario *scenario)
{
	struct strlist forms = {0};

	add_secrets(&forms, scenario, &scenario->service.env, scenario_env_is_secret);
	add_secrets(&forms, scenario, &scenario->service.container.env_file,
		scenario_env_is_secret);
	add_secrets(&forms, scenario, &scenario->load.request.headers,
		scenario_header_is_secret);
	return forms;
}

static char *hide(const struct strlist *forms, const char *text)
{
	char *hidden = mem_text(text);

	for (unsigned i = 0; i < forms->count; i++)
		hidden = replace(hidden, forms->item[i], "***");
	return hidden;
}

char *redact(const struct scenario *scenario, const char *text)
{
	SCOPED(strlist_done) struct strlist forms = forms_of(scenario);

	return hide(&forms, text);
}

static void hide_in(const struct strlist *forms, cJSON *json)
{
	for (cJSON *item = json->child; item; item = item->next)
		hide_in(forms, item);
	if (cJSON_IsString(json)) {
		SCOPED(mem_free) char *text = hide(forms, json->valuestring);

		cJSON_SetValuestring(json, text);
	}
}

void redact_json(const struct scenario *scenario, cJSON *json)
{
	SCOPED(strlist_done) struct strlist forms = forms_of(scenario);

	if (forms.count > 0)
		hide_in(&forms, json);
}

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

	for (; (found = strstr(at, value)); at = found + strlen(value)) {
		buf_add(&replaced, at, (size_t)(found - at));
		buf_adds(&replaced, with);
	}
	buf_adds(&replaced, at);
	free(text);
	return buf_take(&replaced);
}

/* Takes text. */
static char *hide(char *text, const char *value)
{
	SCOPED(mem_free) char *in_shell = replace(mem_text(value), "'", "'\\''");

	return replace(replace(text, in_shell, "***"), value, "***");
}

/* As in a string of JSON. */
static char *escaped(const char *value)
{
	SCOPED(json_free) cJSON *string = cJSON_CreateString(value);
	SCOPED(mem_free) char *quoted = json_print(string);

	return mem_textf("%.*s", (int)strlen(quoted) - 2, quoted + 1);
}

char *redact(const struct scenario *scenario, const char *text)
{
	const struct strlist *env = &scenario->service.env;
	char *redacted = mem_text(text);

	for (unsigned i = 0; i < env->count; i++) {
		const char *equals = strchr(env->item[i], '=');
		SCOPED(mem_free) char *name = NULL, *in_json = NULL;

		if (!equals || strlen(equals + 1) < LEN_MIN)
			continue;
		name = mem_textf("%.*s", (int)(equals - env->item[i]), env->item[i]);
		if (!scenario_env_is_secret(scenario, name))
			continue;
		in_json = escaped(equals + 1);
		redacted = hide(hide(redacted, in_json), equals + 1);
	}
	return redacted;
}

void redact_json(const struct scenario *scenario, cJSON *json)
{
	for (cJSON *item = json->child; item; item = item->next)
		redact_json(scenario, item);
	if (cJSON_IsString(json)) {
		SCOPED(mem_free) char *text = redact(scenario, json->valuestring);

		cJSON_SetValuestring(json, text);
	}
}

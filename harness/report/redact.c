#include "harness/report/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define LEN_MIN 4

/* Takes text. */
static char *replace(char *text, const char *value)
{
	struct buf replaced = {.ceiling = SIZE_MAX};
	const char *at = text, *found;

	for (; (found = strstr(at, value)); at = found + strlen(value)) {
		buf_add(&replaced, at, (size_t)(found - at));
		buf_adds(&replaced, "***");
	}
	buf_adds(&replaced, at);
	free(text);
	return buf_take(&replaced);
}

char *redact(const struct scenario *scenario, const char *text)
{
	const struct strlist *env = &scenario->service.env;
	char *redacted = mem_text(text);

	for (unsigned i = 0; i < env->count; i++) {
		const char *equals = strchr(env->item[i], '=');
		SCOPED(mem_free) char *name = NULL;

		if (!equals || strlen(equals + 1) < LEN_MIN)
			continue;
		name = mem_textf("%.*s", (int)(equals - env->item[i]), env->item[i]);
		if (scenario_env_is_secret(scenario, name))
			redacted = replace(redacted, equals + 1);
	}
	return redacted;
}

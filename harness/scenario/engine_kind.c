#include "harness/scenario/engine_kind.h"

#include <stddef.h>
#include <string.h>

const struct engine_kind engine_kinds[ENGINE_KINDS] = {
#define ENGINE(name, whole_seconds, runs_images, rollouts, help)                       \
	{#name, whole_seconds, runs_images, rollouts, help},
#include "harness/scenario/engines.def"
#undef ENGINE
};

#define ENGINE(name, whole_seconds, runs_images, rollouts, help) ", " #name
static const char separated[] =
#include "harness/scenario/engines.def"
	;
#undef ENGINE

const char *const engine_kind_names = separated + 2;

const struct engine_kind *engine_kind_find(const char *name)
{
	for (size_t i = 0; i < ENGINE_KINDS; i++) {
		if (strcmp(engine_kinds[i].name, name) == 0)
			return &engine_kinds[i];
	}
	return NULL;
}

bool engine_kind_has_containers(const char *name)
{
	const struct engine_kind *kind = engine_kind_find(name);

	return kind && kind->runs_images && !kind->rollouts;
}

/*
 * engine_kind - the engines that exist and what distinguishes them (engines.def).
 *
 * Depends on nothing: scenarios are checked against it without an engine at hand.
 */
#ifndef HARNESS_SCENARIO_ENGINE_KIND_H
#define HARNESS_SCENARIO_ENGINE_KIND_H

#include <stdbool.h>

struct engine_kind {
	const char *name;
	bool whole_seconds; /* of grace: no fraction */
	bool runs_images; /* an image needs no command; images and containers remain */
	bool rollouts;    /* an orchestrator: it runs rollouts and nothing else */
	const char *help;
};

enum {
#define ENGINE(name, whole_seconds, runs_images, rollouts, help) ENGINE_KIND_##name,
#include "harness/scenario/engines.def"
#undef ENGINE
	ENGINE_KINDS
};

extern const struct engine_kind engine_kinds[ENGINE_KINDS];

/* For messages: "docker, process". */
extern const char *const engine_kind_names;

/* NULL: there is no such engine ("auto" is none). */
const struct engine_kind *engine_kind_find(const char *name);

/* Is it the name of one that runs single containers: "docker", "cri"? */
bool engine_kind_has_containers(const char *name);

#endif

#include "mock-agent/faults/injector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void injectors_init(struct injectors *injectors, const struct agent_behavior *behavior,
	uint64_t seed)
{
	*injectors = (struct injectors){.behavior = behavior, .seed = seed};
}

void injectors_done(struct injectors *injectors)
{
	struct injector *injector, *next;

	HASH_ITER(hh, injectors->by_number, injector, next) {
		HASH_DEL(injectors->by_number, injector);
		free(injector);
	}
}

/* rng_seed() spreads seeds that are close to each other. */
static void seed_phases(struct injector *injector)
{
	const uint64_t seed = injector->injectors->seed * UINT64_C(1000003) +
		(uint64_t)injector->number;

	for (unsigned i = 0; i < PHASES; i++)
		rng_seed(&injector->rng[i], seed * PHASES + i);
}

struct injector *injectors_get(struct injectors *injectors, int64_t number)
{
	struct injector *injector;

	HASH_FIND(hh, injectors->by_number, &number, sizeof number, injector);
	if (injector)
		return injector;
	injector = mem_zeroed(sizeof *injector);
	injector->injectors = injectors;
	injector->number = number;
	snprintf(injector->label, sizeof injector->label, "%lld", (long long)number);
	seed_phases(injector);
	HASH_ADD(hh, injectors->by_number, number, sizeof injector->number, injector);
	return injector;
}

void injectors_restart(struct injectors *injectors, uint64_t seed)
{
	struct injector *injector, *next;

	injectors->seed = seed;
	HASH_ITER(hh, injectors->by_number, injector, next) {
		seed_phases(injector);
		memset(injector->fault_count, 0, sizeof injector->fault_count);
		injector->blackholed = false;
	}
}

static void reset_counts(struct injector *injector, const cJSON *changed)
{
	for (unsigned i = 0; i < PHASES; i++) {
		bool is_disconnect = i == PHASE_ARCHIVE || i == PHASE_DELETE;

		if (json_get(changed, phase_name(i)) ||
			(is_disconnect && json_get(changed, "disconnect")))
			injector->fault_count[i] = 0;
	}
}

void injectors_reset_counts(struct injectors *injectors, const cJSON *changed)
{
	struct injector *injector, *next;
	const cJSON *rule;

	HASH_ITER(hh, injectors->by_number, injector, next) {
		reset_counts(injector, changed);
		cJSON_ArrayForEach(rule, json_get(changed, "rules")) {
			if (json_int(rule, "session", -1) == injector->number)
				reset_counts(injector, rule);
		}
	}
}

struct injection injector_next(struct injector *injector, enum phase phase)
{
	const struct phase_behavior *behavior =
		&injector_behavior(injector)->phase[phase];
	struct injection injection = {
		.phase = phase,
		.delay_ns = latency_draw(&behavior->latency, &injector->rng[phase]),
	};

	if (behavior->fault == FAULT_NONE ||
		(behavior->times > 0 &&
			injector->fault_count[phase] >= behavior->times))
		return injection;
	injector->fault_count[phase]++;
	injection.fault = behavior->fault;
	injection.takes_effect = behavior->takes_effect;
	injection.status = (unsigned)behavior->status;
	injection.retry_after_ns = behavior->retry_after_ns;
	return injection;
}

const struct session_behavior *injector_behavior(const struct injector *injector)
{
	return agent_behavior_for(injector->injectors->behavior, injector->number);
}

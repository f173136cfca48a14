#include "mock-agent/faults/injector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"

struct injector {
	const struct agent_behavior *behavior;
	int64_t label;
	char text[24]; /* the label's */
	struct rng rng[PHASES];
	int64_t struck[PHASES];
	bool dark;
	UT_hash_handle hh;
};

struct injectors {
	const struct agent_behavior *behavior;
	uint64_t seed;
	struct injector *by_label;
};

struct injectors *injectors_create(const struct agent_behavior *behavior, uint64_t seed)
{
	struct injectors *injectors = mem_zeroed(sizeof *injectors);

	injectors->behavior = behavior;
	injectors->seed = seed;
	return injectors;
}

void injectors_destroy(struct injectors *injectors)
{
	struct injector *injector, *next;

	if (!injectors)
		return;
	HASH_ITER(hh, injectors->by_label, injector, next) {
		HASH_DEL(injectors->by_label, injector);
		free(injector);
	}
	free(injectors);
}

/* Neighbours become strangers in rng_seed(). */
static uint64_t seed_of(
	const struct injectors *injectors, int64_t label, unsigned phase)
{
	return (injectors->seed * UINT64_C(1000003) + (uint64_t)label) * PHASES + phase;
}

static void seed_mood(const struct injectors *injectors, struct injector *injector)
{
	for (unsigned i = 0; i < PHASES; i++)
		rng_seed(&injector->rng[i], seed_of(injectors, injector->label, i));
}

struct injector *injectors_get(struct injectors *injectors, int64_t label)
{
	struct injector *injector;

	HASH_FIND(hh, injectors->by_label, &label, sizeof label, injector);
	if (injector)
		return injector;
	injector = mem_zeroed(sizeof *injector);
	injector->behavior = injectors->behavior;
	injector->label = label;
	snprintf(injector->text, sizeof injector->text, "%lld", (long long)label);
	seed_mood(injectors, injector);
	HASH_ADD(hh, injectors->by_label, label, sizeof injector->label, injector);
	return injector;
}

void injectors_restart(struct injectors *injectors, uint64_t seed)
{
	struct injector *injector, *next;

	injectors->seed = seed;
	HASH_ITER(hh, injectors->by_label, injector, next) {
		seed_mood(injectors, injector);
		memset(injector->struck, 0, sizeof injector->struck);
		injector->dark = false;
	}
}

static void forgive(struct injector *injector, const cJSON *said)
{
	for (unsigned i = 0; i < PHASES; i++) {
		bool is_ending = i == PHASE_ARCHIVE || i == PHASE_DELETE;

		if (json_get(said, phase_name(i)) ||
			(is_ending && json_get(said, "disconnect")))
			injector->struck[i] = 0;
	}
}

void injectors_forgive(struct injectors *injectors, const cJSON *said)
{
	struct injector *injector, *next;
	const cJSON *rule;

	HASH_ITER(hh, injectors->by_label, injector, next) {
		forgive(injector, said);
		cJSON_ArrayForEach(rule, json_get(said, "rules")) {
			if (json_int(rule, "session", -1) == injector->label)
				forgive(injector, rule);
		}
	}
}

void injector_go_dark(struct injector *injector)
{
	injector->dark = true;
}

bool injector_is_dark(const struct injector *injector)
{
	return injector->dark;
}

const struct session_behavior *injector_behavior(const struct injector *injector)
{
	return agent_behavior_for(injector->behavior, injector->label);
}

int64_t injector_number(const struct injector *injector)
{
	return injector->label;
}

const char *injector_label(const struct injector *injector)
{
	return injector->text;
}

void injector_log_fault(const struct injector *injector, const char *id,
	const struct injection *injection)
{
	log_event("agent.fault", "session", LOG_TEXT(injector->text), "id",
		LOG_TEXT(id), "phase", LOG_TEXT(phase_name(injection->phase)), "fault",
		LOG_TEXT(fault_name(injection->fault)));
}

/* NULL for the moment that knows no fault. */
static const struct phase_behavior *phase_of(
	const struct session_behavior *behavior, enum phase phase)
{
	switch (phase) {
	case PHASE_CONNECT:
		return &behavior->connect;
	case PHASE_STREAM:
		return &behavior->stream;
	case PHASE_FIRST_BYTE:
		return &behavior->first_byte;
	case PHASE_CHUNK:
		return &behavior->chunk;
	case PHASE_INTERRUPT:
		return &behavior->interrupt;
	case PHASE_SETTLE:
		return &behavior->status_lag;
	case PHASE_ARCHIVE:
		return session_behavior_end(behavior, true);
	case PHASE_DELETE:
		return session_behavior_end(behavior, false);
	case PHASE_MESSAGES:
		return &behavior->messages;
	case PHASE_HOLD:
	case PHASES:
		break;
	}
	return NULL;
}

struct injection injector_next(struct injector *injector, enum phase phase)
{
	const struct session_behavior *behavior = injector_behavior(injector);
	const struct phase_behavior *knobs = phase_of(behavior, phase);
	struct injection injection = {.phase = phase};

	injection.delay_ns = latency_draw(
		knobs ? &knobs->latency : &behavior->hold, &injector->rng[phase]);
	if (!knobs || knobs->fault == FAULT_NONE ||
		(knobs->times > 0 && injector->struck[phase] >= knobs->times))
		return injection;
	injector->struck[phase]++;
	injection.fault = knobs->fault;
	injection.takes_effect = knobs->takes_effect;
	injection.status = (unsigned)knobs->status;
	injection.retry_after_ns = knobs->retry_after_ns;
	return injection;
}

const char *phase_name(enum phase phase)
{
	switch (phase) {
	case PHASE_CONNECT:
		return "connect";
	case PHASE_STREAM:
		return "stream";
	case PHASE_FIRST_BYTE:
		return "first_byte";
	case PHASE_CHUNK:
		return "chunk";
	case PHASE_INTERRUPT:
		return "interrupt";
	case PHASE_SETTLE:
		return "status_lag";
	case PHASE_ARCHIVE:
		return "archive";
	case PHASE_DELETE:
		return "delete";
	case PHASE_MESSAGES:
		return "messages";
	case PHASE_HOLD:
	case PHASES:
		break;
	}
	return "hold";
}

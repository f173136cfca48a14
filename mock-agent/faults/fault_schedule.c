#include "mock-agent/faults/fault_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void fault_schedules_init(struct fault_schedules *schedules,
	const struct agent_behavior *behavior, uint64_t seed)
{
	*schedules = (struct fault_schedules){.behavior = behavior, .seed = seed};
}

void fault_schedules_done(struct fault_schedules *schedules)
{
	struct fault_schedule *schedule, *next;

	HASH_ITER(hh, schedules->by_number, schedule, next) {
		HASH_DEL(schedules->by_number, schedule);
		free(schedule);
	}
}

/* rng_seed() spreads seeds that are close to each other. */
static void seed_phases(struct fault_schedule *schedule)
{
	const uint64_t seed = schedule->schedules->seed * UINT64_C(1000003) +
		(uint64_t)schedule->number;

	for (unsigned i = 0; i < PHASES; i++)
		rng_seed(&schedule->rng[i], seed * PHASES + i);
}

struct fault_schedule *fault_schedules_get(
	struct fault_schedules *schedules, int64_t number)
{
	struct fault_schedule *schedule;

	HASH_FIND(hh, schedules->by_number, &number, sizeof number, schedule);
	if (schedule)
		return schedule;
	schedule = mem_zeroed(sizeof *schedule);
	schedule->schedules = schedules;
	schedule->number = number;
	snprintf(schedule->label, sizeof schedule->label, "%lld", (long long)number);
	seed_phases(schedule);
	HASH_ADD(hh, schedules->by_number, number, sizeof schedule->number, schedule);
	return schedule;
}

void fault_schedule_set_label(struct fault_schedule *schedule, const char *label)
{
	snprintf(schedule->label, sizeof schedule->label, "%s", label);
}

void fault_schedules_restart(struct fault_schedules *schedules, uint64_t seed)
{
	struct fault_schedule *schedule, *next;

	schedules->seed = seed;
	HASH_ITER(hh, schedules->by_number, schedule, next) {
		seed_phases(schedule);
		memset(schedule->fault_count, 0, sizeof schedule->fault_count);
		schedule->blackholed = false;
	}
}

static void reset_counts(struct fault_schedule *schedule, const cJSON *changed)
{
	for (unsigned i = 0; i < PHASES; i++) {
		bool is_disconnect = i == PHASE_ARCHIVE || i == PHASE_DELETE;

		if (json_get(changed, phase_name(i)) ||
			(is_disconnect && json_get(changed, "disconnect")))
			schedule->fault_count[i] = 0;
	}
}

void fault_schedules_reset_counts(
	struct fault_schedules *schedules, const cJSON *changed)
{
	struct fault_schedule *schedule, *next;
	const cJSON *rule;

	HASH_ITER(hh, schedules->by_number, schedule, next) {
		reset_counts(schedule, changed);
		cJSON_ArrayForEach(rule, json_get(changed, "rules")) {
			if (json_int(rule, "session", -1) == schedule->number)
				reset_counts(schedule, rule);
		}
	}
}

struct injection fault_schedule_next(struct fault_schedule *schedule, enum phase phase)
{
	const struct phase_behavior *behavior =
		&fault_schedule_behavior(schedule)->phase[phase];
	struct injection injection = {
		.phase = phase,
		.delay_ns = latency_draw(&behavior->latency, &schedule->rng[phase]),
	};

	if (behavior->fault == FAULT_NONE ||
		(behavior->times > 0 &&
			schedule->fault_count[phase] >= behavior->times))
		return injection;
	schedule->fault_count[phase]++;
	injection.fault = behavior->fault;
	injection.takes_effect = behavior->takes_effect;
	injection.status = (unsigned)behavior->status;
	injection.retry_after_ns = behavior->retry_after_ns;
	return injection;
}

const struct session_behavior *fault_schedule_behavior(
	const struct fault_schedule *schedule)
{
	return agent_behavior_for(schedule->schedules->behavior, schedule->number);
}

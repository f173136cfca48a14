/*
 * fault_schedule - draws the injections of a session: the latency and the fault of each
 * phase.
 *
 * There is one schedule per session number (session_numbers.h), made on first use and
 * shared by all attempts to open the session. Each phase has a random generator of its
 * own, seeded from the run's seed, the session number and the phase, so that a seed
 * reproduces a run in whatever order the sessions arrive. The schedule also counts the
 * faults of each phase, and keeps whether a blackhole fault has happened: then nothing
 * of the session is answered or sent any more.
 */
#ifndef MOCK_AGENT_FAULTS_FAULT_SCHEDULE_H
#define MOCK_AGENT_FAULTS_FAULT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "mock-agent/faults/behavior.h"

struct listener;
struct fault_schedules;

/* The drawn decision: a delay, and the fault after it. */
struct injection {
	enum phase phase;
	int64_t delay_ns;
	int fault;              /* enum fault */
	bool takes_effect;      /* the request has its effect in spite of the fault */
	unsigned status;        /* FAULT_ERROR */
	int64_t retry_after_ns; /* FAULT_ERROR; 0: none */
};

#define FAULT_SCHEDULE_LABEL_SIZE 64

/* Written by fault_schedule.c and fault.c only. */
struct fault_schedule {
	const struct fault_schedules *schedules;
	int64_t number;                        /* of the session */
	char label[FAULT_SCHEDULE_LABEL_SIZE]; /* the number as text, or the name */
	bool blackholed;                       /* until fault_schedules_restart() */
	struct rng rng[PHASES];
	int64_t fault_count[PHASES];
	UT_hash_handle hh;
};

struct fault_schedules {
	const struct agent_behavior *behavior;
	struct listener *listener; /* what FAULT_REFUSE shuts; NULL in tests */
	uint64_t seed;
	struct fault_schedule *by_number;
};

void fault_schedules_init(struct fault_schedules *schedules,
	const struct agent_behavior *behavior, uint64_t seed); /* keeps behavior */
void fault_schedules_done(struct fault_schedules *schedules);

/* The schedule of this session number. Borrowed. */
struct fault_schedule *fault_schedules_get(
	struct fault_schedules *schedules, int64_t number);

/* The name that events call the session by. It must be shorter than the label's size. */
void fault_schedule_set_label(struct fault_schedule *schedule, const char *label);

/* Puts every schedule into the state of a new one with this seed. */
void fault_schedules_restart(struct fault_schedules *schedules, uint64_t seed);

/* Resets the fault counts of the phases that `changed` names: of all sessions, or of
 * the session of a rule. `changed` is in the form of agent_behavior_read(). */
void fault_schedules_reset_counts(
	struct fault_schedules *schedules, const cJSON *changed);

/* Draws the next injection of this phase. */
struct injection fault_schedule_next(struct fault_schedule *schedule, enum phase phase);

/* Borrowed until the next reading of the behavior. */
const struct session_behavior *fault_schedule_behavior(
	const struct fault_schedule *schedule);

#endif

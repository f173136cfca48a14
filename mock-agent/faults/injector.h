/*
 * injector - draws the injections of a session: the latency and the fault of each
 * phase.
 *
 * There is one injector per session number (session_numbers.h), made on first use and
 * shared by all attempts to open the session. Each phase has a random generator of its
 * own, seeded from the run's seed, the session number and the phase, so that a seed
 * reproduces a run in whatever order the sessions arrive. The injector also counts the
 * faults of each phase, and keeps whether a blackhole fault has happened: then nothing
 * of the session is answered or sent any more.
 */
#ifndef MOCK_AGENT_FAULTS_INJECTOR_H
#define MOCK_AGENT_FAULTS_INJECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "mock-agent/faults/behavior.h"

struct listener;
struct injectors;

/* The drawn decision: a delay, and the fault after it. */
struct injection {
	enum phase phase;
	int64_t delay_ns;
	int fault;              /* enum fault */
	bool takes_effect;      /* the request has its effect in spite of the fault */
	unsigned status;        /* FAULT_ERROR */
	int64_t retry_after_ns; /* FAULT_ERROR; 0: none */
};

/* Written by injector.c and fault.c only. */
struct injector {
	const struct injectors *injectors;
	int64_t number;  /* of the session */
	char label[24];  /* the number as text */
	bool blackholed; /* until injectors_restart() */
	struct rng rng[PHASES];
	int64_t fault_count[PHASES];
	UT_hash_handle hh;
};

struct injectors {
	const struct agent_behavior *behavior;
	struct listener *listener; /* what FAULT_REFUSE shuts; NULL in tests */
	uint64_t seed;
	struct injector *by_number;
};

void injectors_init(struct injectors *injectors, const struct agent_behavior *behavior,
	uint64_t seed); /* keeps behavior */
void injectors_done(struct injectors *injectors);

/* The injector of this session number. Borrowed. */
struct injector *injectors_get(struct injectors *injectors, int64_t number);

/* Puts every injector into the state of a new one with this seed. */
void injectors_restart(struct injectors *injectors, uint64_t seed);

/* Resets the fault counts of the phases that `changed` names: of all sessions, or of
 * the session of a rule. `changed` is in the form of agent_behavior_read(). */
void injectors_reset_counts(struct injectors *injectors, const cJSON *changed);

/* Draws the next injection of this phase. */
struct injection injector_next(struct injector *injector, enum phase phase);

/* Borrowed until the next reading of the behavior. */
const struct session_behavior *injector_behavior(const struct injector *injector);

#endif

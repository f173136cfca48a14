/*
 * injector - what a session's behavior come to, moment by moment.
 *
 * A mood belongs to a label: sessions with the same label share it, and so do the
 * attempts to open one. It has a dice of its own for every moment, seeded from the
 * run's seed, the label and the moment, so that a seed reproduces a run in whatever
 * order the sessions arrive; it counts how often each fault struck; and when a black
 * hole did, it is dark: nothing of its label is answered or sent any more.
 */
#ifndef MOCK_AGENT_FAULTS_INJECTOR_H
#define MOCK_AGENT_FAULTS_INJECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "mock-agent/faults/behavior.h"

enum phase {
	PHASE_CONNECT,
	PHASE_STREAM,
	PHASE_FIRST_BYTE,
	PHASE_CHUNK,
	PHASE_INTERRUPT,
	PHASE_SETTLE,
	PHASE_ARCHIVE,
	PHASE_DELETE,
	PHASE_MESSAGES,
	PHASE_HOLD,
	PHASES, /* how many there are */
};

/* What happens at one moment. */
struct injection {
	enum phase phase;
	int64_t delay_ns;       /* first this long nothing */
	int fault;              /* then this (enum fault) */
	bool takes_effect;      /* all the same */
	unsigned status;        /* of FAULT_ERROR */
	int64_t retry_after_ns; /* of FAULT_ERROR */
};

struct injectors;
struct injector;

/* Keeps book. */
struct injectors *injectors_create(
	const struct agent_behavior *behavior, uint64_t seed);
void injectors_destroy(struct injectors *injectors); /* accepts NULL */

/* The mood of this label (labels.h), made on first need. Borrowed. */
struct injector *injectors_get(struct injectors *injectors, int64_t label);

/* As new, none of them dark, with another seed. The moods stay where they are. */
void injectors_restart(struct injectors *injectors, uint64_t seed);

/* These behavior were said over the book: the faults of the phases that they name are
 * counted anew, for everybody or, where a rule names them, for its session. */
void injectors_forgive(struct injectors *injectors, const cJSON *said);

/* Draws what happens now: each call is another moment. */
struct injection injector_next(struct injector *injector, enum phase phase);

/* Until injectors_restart(). */
void injector_go_dark(struct injector *injector);
bool injector_is_dark(const struct injector *injector);

const struct session_behavior *injector_behavior(const struct injector *injector);
int64_t injector_number(const struct injector *injector);    /* its label */
const char *injector_label(const struct injector *injector); /* as text */

/* Logs "agent.fault" for act. id may be NULL. */
void injector_log_fault(const struct injector *injector, const char *id,
	const struct injection *injection);

/* "first_byte": how behavior call this moment. */
const char *phase_name(enum phase phase);

#endif

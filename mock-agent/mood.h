/*
 * mood - what a session's manners come to, moment by moment.
 *
 * A mood belongs to a label: sessions with the same label share it, and so do the
 * attempts to open one. It has a dice of its own for every moment, seeded from the
 * run's seed, the label and the moment, so that a seed reproduces a run in whatever
 * order the sessions arrive; it counts how often each fault struck; and when a black
 * hole did, it is dark: nothing of its label is answered or sent any more.
 */
#ifndef MOCK_AGENT_MOOD_H
#define MOCK_AGENT_MOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "mock-agent/manners.h"

enum moment {
	MOMENT_CONNECT,
	MOMENT_STREAM,
	MOMENT_FIRST_BYTE,
	MOMENT_CHUNK,
	MOMENT_INTERRUPT,
	MOMENT_SETTLE,
	MOMENT_ARCHIVE,
	MOMENT_DELETE,
	MOMENT_MESSAGES,
	MOMENT_HOLD,
	MOMENTS, /* how many there are */
};

/* What happens at one moment. */
struct act {
	enum moment moment;
	int64_t delay_ns;       /* first this long nothing */
	int fault;              /* then this (enum fault) */
	bool takes_effect;      /* all the same */
	unsigned status;        /* of FAULT_ERROR */
	int64_t retry_after_ns; /* of FAULT_ERROR */
};

struct moods;
struct mood;

/* Keeps book. */
struct moods *moods_create(const struct manners_book *book, uint64_t seed);
void moods_destroy(struct moods *moods); /* accepts NULL */

/* The mood of this label (labels.h), made on first need. Borrowed. */
struct mood *moods_get(struct moods *moods, int64_t label);

/* As new, none of them dark, with another seed. The moods stay where they are. */
void moods_restart(struct moods *moods, uint64_t seed);

/* These manners were said over the book: the faults of the phases that they name are
 * counted anew, for everybody or, where a rule names them, for its session. */
void moods_forgive(struct moods *moods, const cJSON *said);

/* Draws what happens now: each call is another moment. */
struct act mood_next(struct mood *mood, enum moment moment);

/* Until moods_restart(). */
void mood_go_dark(struct mood *mood);
bool mood_is_dark(const struct mood *mood);

const struct manners *mood_manners(const struct mood *mood);
int64_t mood_number(const struct mood *mood);    /* its label */
const char *mood_label(const struct mood *mood); /* as text */

/* Logs "agent.fault" for act. id may be NULL. */
void mood_log_fault(const struct mood *mood, const char *id, const struct act *act);

/* "first_byte": how manners call this moment. */
const char *moment_name(enum moment moment);

#endif

/*
 * reaction - what a mock does at the end of its stdin, or at a signal:
 *
 *   "exit", "ignore", "spin" (use all of a processor until SIGKILL),
 *   or {"exit_after": "50ms"}
 */
#ifndef LIB_REACTION_H
#define LIB_REACTION_H

#include "lib/cc.h"
#include "lib/fields.h"
#include "lib/latency.h"

enum reaction_kind {
	REACTION_EXIT,
	REACTION_IGNORE,
	REACTION_SPIN,
};

struct reaction {
	enum reaction_kind kind;
	struct latency after; /* REACTION_EXIT */
};

/* The forms, for help texts. */
#define REACTION_FORMS "\"exit\", \"ignore\", \"spin\" or {\"exit_after\": \"50ms\"}"

/* Of a struct reaction in a table of fields. */
extern const struct field_type reaction_type;

void reaction_done(void *reaction); /* a struct reaction */

/* REACTION_SPIN: uses all of a processor until SIGKILL or the end of the lifeline. */
void reaction_spin(void) NORETURN;

#endif

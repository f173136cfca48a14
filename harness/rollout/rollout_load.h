/*
 * rollout_load - the traffic of a rollout: begun when every task answers, kept as records
 * when it is over.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_LOAD_H
#define HARNESS_ROLLOUT_ROLLOUT_LOAD_H

#include "harness/rollout/rollout_state.h"

/* Every client has been answered once. False: there is trouble. */
bool rollout_load_begin(struct rollout_state *state) MUST_CHECK;
/* Lets it go on for a moment, which is "after". */
void rollout_load_go_on(struct rollout_state *state);
/* Ends it, and keeps what became of each request. */
void rollout_load_end(struct rollout_state *state);

#endif

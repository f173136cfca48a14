/*
 * rollout_actions - what happens to the service while the traffic flows, and what makes it
 * undone at the end.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_ACTIONS_H
#define HARNESS_ROLLOUT_ROLLOUT_ACTIONS_H

#include "harness/rollout/rollout_state.h"

/* Does the action as often as it is asked for, each time until the orchestrator is done and
 * the witnesses have told every stop. */
void rollout_act(struct rollout_state *state);
/* A drained node takes tasks again, and one that was ended comes back. */
void rollout_mend(struct rollout_state *state);

#endif

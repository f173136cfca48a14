/*
 * trigger - from readiness to the moment of the stop: starts the load and waits for
 * stop.when.
 */
#ifndef HARNESS_RUN_TRIGGER_H
#define HARNESS_RUN_TRIGGER_H

#include "harness/run/case_state.h"

/* False, with the evidence's trouble set, when that moment does not come. */
bool trigger_await(struct case_state *state);

#endif

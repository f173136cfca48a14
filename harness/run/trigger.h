/*
 * trigger - from ready to the moment of the stop: the load is put on, and stop.when
 * comes.
 */
#ifndef HARNESS_RUN_TRIGGER_H
#define HARNESS_RUN_TRIGGER_H

#include <stdbool.h>

#include "harness/run/case_state.h"

/* False with the evidence's trouble when it never comes. */
bool trigger_await(struct case_state *state);

#endif

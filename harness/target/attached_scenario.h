/*
 * attached_scenario - what the judge needs to know of a program that no scenario
 * describes: one that runs already, and was attached to.
 */
#ifndef HARNESS_TARGET_ATTACHED_SCENARIO_H
#define HARNESS_TARGET_ATTACHED_SCENARIO_H

#include <stdbool.h>

#include "harness/engine/engine.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

/* False: it says on stderr why not. */
bool attached_scenario_read(
	struct scenario *scenario, const struct subject_about *about) MUST_CHECK;

#endif

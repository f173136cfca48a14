/*
 * cures - a case whose stop was not clean, run again: each time with one change that the
 * engine can make, to see which of them cures it.
 *
 * An init in front; another stop signal; the program without the shell or launchers in front of it; a
 * longer grace. Those that fit the diagnosis come first, and the others only when none
 * of these made the stop clean. When none alone did, but one changed how it ended, that
 * one is tried together with a second, which fits what was left. Where these two do, the
 * second is run alone as well: it may not need the first.
 */
#ifndef HARNESS_CAMPAIGN_CURES_H
#define HARNESS_CAMPAIGN_CURES_H

#include <cjson/cJSON.h>

#include "harness/campaign/rerun.h"

#define CURES_MAX       5 /* reruns with one cure */
#define CURES_PAIRS_MAX 4 /* and with two, but for a second alone */

/* Runs the reruns, one after the other. Gives the caller a list with an object for
 * each: "cure" and "how", in words; "two": they are two; "verdict", "diagnosis" (the
 * id of the first), "exit_code", "stop_ns" and "grace_ns"; "trouble": why it came to no
 * stop, or null. */
cJSON *cures_try(
	const struct case_options *options, const struct rerun_of *of) MUST_CHECK;

#endif

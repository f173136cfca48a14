/*
 * run_options - the command line of `stopbench try`: that of `docker run`, and a few
 * options of ours, as a scenario.
 *
 * Each value becomes the key of the scenario format that means the same, and is read by
 * that key's own reader, so that a wrong one is found here, before anything is started.
 */
#ifndef HARNESS_TARGET_RUN_OPTIONS_H
#define HARNESS_TARGET_RUN_OPTIONS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/scenario/scenario.h"
#include "lib/strlist.h"

/* All owned. */
struct run_options {
	const char
		*engine; /* "docker": IMAGE [ARG...]; "process": -- COMMAND [ARG...] */
	cJSON *json;     /* the scenario; whole numbers and texts as in a file */
	struct scenario scenario; /* the same, read and checked */
	struct strlist notes;     /* what has no effect, and why: a sentence each */
	bool as_json;
	bool try_cures;
};

/* A mistake is printed, and ends the program with exit code 2. */
void run_options_parse(struct run_options *options, int argc, char **argv);
void run_options_done(struct run_options *options);

#endif

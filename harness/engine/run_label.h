/*
 * run_label - the labels of all that a run creates: the run's id, and where the run's
 * lock lies ("vm:/tmp"), since several machines may share a daemon.
 */
#ifndef HARNESS_ENGINE_RUN_LABEL_H
#define HARNESS_ENGINE_RUN_LABEL_H

#include <cjson/cJSON.h>

#include "lib/cc.h"

#define RUN_LABEL      "stopbench.run"
#define RUN_LABEL_HOME "stopbench.home"

/* The value of RUN_LABEL_HOME here; the caller's. */
char *run_label_home(void) MUST_CHECK;

/* Both labels, as a JSON object; the caller's. */
cJSON *run_labels(const char *run_id) MUST_CHECK;

/* The id of the run that set these labels, a JSON object, if its lock can be seen from
 * here: that of a run on another machine cannot. NULL: none, or not from here. Borrowed. */
const char *run_label_of(const cJSON *labels);

#endif

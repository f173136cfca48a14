/*
 * watched_stop - one container that runs, watched until somebody else stops it or it ends
 * by itself, and then judged as `stopbench stop` judges.
 *
 * While it runs, a snapshot is taken every WATCHED_STOP_EVERY_NS, of which the last is
 * kept, and what was recorded before is let go of. From its stop signal on everything is
 * kept, until the report.
 */
#ifndef HARNESS_WITNESS_WATCHED_STOP_H
#define HARNESS_WITNESS_WATCHED_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "harness/engine/engine.h"
#include "harness/report/stop_report.h"
#include "lib/err.h"

#define WATCHED_STOP_EVERY_NS (INT64_C(10) * 1000000000)

struct watched_stop;

/* Attaches to the container with this id. Keeps loop and engine; turns the loop. NULL with
 * err: it is not there. One that has ended already is given as over. */
struct watched_stop *watched_stop_create(uv_loop_t *loop, struct engine *engine,
	const char *id, struct err *err) MUST_CHECK;
void watched_stop_destroy(struct watched_stop *watched); /* accepts NULL */

const char *watched_stop_id(const struct watched_stop *watched); /* borrowed */
const struct subject_about *watched_stop_about(const struct watched_stop *watched);
pid_t watched_stop_pid(const struct watched_stop *watched); /* 0: cannot be seen */

/* It had ended before it could be watched. */
bool watched_stop_is_missed(const struct watched_stop *watched);
/* PID 1 has ended. */
bool watched_stop_has_ended(const struct watched_stop *watched);
/* It runs, and no stop is under way. */
bool watched_stop_is_idle(const struct watched_stop *watched);
/* It has ended, and all that is told of it has come. */
bool watched_stop_is_over(const struct watched_stop *watched);

/* Judges one that is over; once. Borrowed until it is destroyed. */
const struct stop_report *watched_stop_report(struct watched_stop *watched);

/* {"container", "name", "labels", "pid"}; the caller's. */
cJSON *watched_stop_json(const struct watched_stop *watched) MUST_CHECK;
/* The same of the stop, with signal_ns, exit_ns (null: not known), error_ns and report
 * (stop_report_json()); the caller's. */
cJSON *watched_stop_report_json(const struct watched_stop *watched) MUST_CHECK;

#endif

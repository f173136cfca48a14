/*
 * worker - one round of a case in a process of its own, so that rounds run side by
 * side.
 *
 * A case turns its loop while it waits, so one process cannot run two cases. The worker
 * is forked; it makes a loop and an engine of its own, runs the case, judges it, writes
 * the artifacts of a failed round and sends the round's JSON back through a pipe. A
 * worker that ends without it is a round that was not run.
 */
#ifndef HARNESS_CAMPAIGN_WORKER_H
#define HARNESS_CAMPAIGN_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "harness/run/case_step.h"
#include "harness/scenario/plan.h"
#include "lib/err.h"

struct worker;

/* The worker has ended. Takes round, the JSON of round.h. `kept`: a container and a
 * folder were left for a person to look at. `say` is a line for people, or NULL;
 * borrowed. The worker is freed afterwards. */
typedef void worker_over_fn(void *arg, cJSON *round, bool kept, const char *say);

/* All borrowed until the worker has ended. */
struct worker_options {
	uv_loop_t *loop; /* the caller's own: the worker does not use it */
	const char *engine;
	const char *run_id;
	const char *run_folder;
	const char *programs; /* the folder of our programs: of the mocks, */
	const char
		*subjects; /* and of what is stopped, which may be another commit's */
	/* The image of `subjects`, where the caller has prepared it; NULL: it has not. */
	const char *own_image;
	const char *const *witnesses; /* of rollouts (witnesses.h), or NULL */
	const char *folder;           /* the worker's working folder; NULL: ours */
	const char *failed;           /* the folder of this run's artifacts */
	int lock; /* of the run, for the caller alone: the worker closes it */
	bool keep_failed;
	bool try_cures;    /* of a round whose stop was not clean */
	unsigned what_if;  /* the round of each case that has one; 0: none */
	bool with_picture; /* the JSON has the lanes of the stop */
	case_step_fn *step;
	int64_t step_every_ns; /* a step is told again after this time; 0: never */
	worker_over_fn *over;
};

/* Starts a round of plan_case, which is kept; `arg` is handed to step and over. */
struct worker *worker_start(const struct worker_options *options,
	const struct plan_case *plan_case, unsigned round, uint64_t seed, void *arg,
	struct err *err) MUST_CHECK;

/* The worker brings its case down and ends. When the caller's process dies, the kernel
 * kills the worker. */
void worker_interrupt(const struct worker *worker);

#endif

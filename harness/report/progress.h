/*
 * progress - what the run is doing, on stderr: a line for each round that is over and,
 * on a terminal, below them one that is drawn again and again for each round under way,
 * and an estimate for the whole:
 *
 *   [ 2/18] ok       kill/60-no-handler (twin): clean: 1.52ms
 *   history/10-matrix load.sessions=3  stopping 4s, 6s left, 3 sessions open
 *   kill/20-sequential                 waiting until it is ready 1s
 *   2 of 18 done, about 40s left
 *
 * In pipes, in CI (the variable CI is set) and with TERM=dumb only rounds that are over
 * have a line.
 */
#ifndef HARNESS_REPORT_PROGRESS_H
#define HARNESS_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>
#include <uv.h>

#include "harness/run/case_step.h"
#include "lib/cc.h"

struct progress;
struct progress_round; /* one that is under way */

enum progress_mark {
	PROGRESS_MET,
	PROGRESS_UNMET,
	PROGRESS_NOT_RUN,
};

/* Keeps loop and out; its timer does not keep the loop running. `rounds`: the number of
 * rounds of the run. */
struct progress *progress_create(
	uv_loop_t *loop, FILE *out, unsigned rounds) MUST_CHECK;
/* Removes the lines of rounds under way; the memory is freed in the next turn of the loop. Accepts
 * NULL. */
void progress_destroy(struct progress *progress);

/* The run has so many rounds more. */
void progress_add(struct progress *progress, unsigned rounds);

/* A round begins. Copies title. Gives what progress_over() frees. */
struct progress_round *progress_begin(
	struct progress *progress, const char *title) MUST_CHECK;
void progress_step(struct progress *progress, struct progress_round *round,
	const struct case_step *step);
/* The round is over: its line stays. `what` is one line of text. */
void progress_over(struct progress *progress, struct progress_round *round,
	enum progress_mark mark, const char *what);
/* Prints a line that stays. */
void progress_say(struct progress *progress, const char *line);

/* Is somebody looking at the rounds under way? */
bool progress_is_live(const struct progress *progress);
/* The run is to end, and may be killed: from now on nothing is drawn that would have to be
 * removed. */
void progress_interrupt(struct progress *progress);

#endif

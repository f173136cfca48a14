/*
 * check_signal - what each process would do with the stop signal, by its masks, its wait
 * and its descriptors in two looks.
 */
#ifndef HARNESS_JUDGE_CHECK_SIGNAL_H
#define HARNESS_JUDGE_CHECK_SIGNAL_H

#include "harness/judge/check.h"

enum hearing {
	HEARING_UNKNOWN,   /* what it waits in, or who takes it, could not be read */
	HEARING_UNSETTLED, /* the two looks differ */
	HEARING_NOTHING,   /* no handler: discarded for PID 1, else the default */
	HEARING_IGNORES,
	HEARING_BLOCKED, /* kept, and nobody takes it */
	HEARING_TAKES,   /* in sigwait, or by a signalfd */
	HEARING_HANDLER,
};

enum hearing check_hearing(
	const struct check_input *input, const struct process *process, int number);

/* Was it there at both looks? */
bool check_lasts(const struct check_input *input, const struct process *process);

#endif

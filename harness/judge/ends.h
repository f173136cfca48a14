/*
 * ends - how the processes below PID 1 ended, and whether that is a clean stop.
 *
 * PID 1's exit code hides what became of the others: a pipeline ends with the status of
 * its last command, and a supervisor exits with 0 after it has killed its program. A
 * stop is not clean when a process that was there at the stop signal crashed, was
 * killed, or died of a signal for which it had no handler, unless it had nothing in
 * hand; nor when the program that PID 1 only started failed and PID 1 exited with 0. Of
 * what was started since, such as the command of a trap, a crash alone counts.
 */
#ifndef HARNESS_JUDGE_ENDS_H
#define HARNESS_JUDGE_ENDS_H

#include "harness/judge/processes.h"
#include "harness/scenario/verdict.h"

struct ends {
	unsigned count;       /* processes that ended badly */
	enum verdict verdict; /* the worst of them; VERDICT_CLEAN: there are none */
	const struct process *worst;
	char text[320]; /* of the worst, a sentence */
};

/* `main`: the program that PID 1 started and waits for, or PID 1. `planted`: the
 * service's children are the scenario's mocks, of which only a crash counts. */
void ends_find(struct ends *ends, const struct processes *processes,
	const struct evidence *evidence, const struct process *main, bool planted);

/* Did a process die of this signal, which no other one had sent it? */
bool ends_has_crash(
	const struct processes *processes, const struct evidence *evidence, int number);

#endif

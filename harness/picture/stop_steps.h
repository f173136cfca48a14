/*
 * stop_steps - when each step of a stop was taken: the phases of a service that logs
 * them, and for each process the ladder on which it was asked to end.
 *
 * Stamps are CLOCK_MONOTONIC ns; 0 is "did not happen, or was not seen". What was before
 * the stop signal is left out.
 */
#ifndef HARNESS_PICTURE_STOP_STEPS_H
#define HARNESS_PICTURE_STOP_STEPS_H

#include <stdint.h>

#include "harness/judge/view.h"

struct process_steps {
	int64_t eof_ns;     /* its stdin was closed */
	int64_t signal_ns;  /* it was asked to end */
	int64_t handler_ns; /* its handler for that signal began */
	int64_t kill_ns;    /* SIGKILL */
	int64_t reaped_ns;  /* the service said that it reaped it */
	int64_t ended_ns;   /* whoever ended it; 0: not known */
	bool discarded; /* the signal: it ignores it, or the kernel passed it over */
	const char *session; /* whose server it is, by its own or the service's word */
};

struct stop_steps {
	int64_t zero_ns; /* that times count from: the stop signal; 0: there was no stop */
	int64_t end_ns; /* of PID 1; 0: not seen */
	/* Of shutdown.begin, with which the drain begins, of shutdown.phase and
	 * shutdown.complete. */
	int64_t begin_ns, disconnect_ns, flush_ns, complete_ns;
	struct process_steps *of; /* owned; one for each of the view's processes */
};

/* Borrows what the view has. */
void stop_steps_find(struct stop_steps *steps, const struct view *view);
void stop_steps_done(struct stop_steps *steps);

/* "PID 1 (nginx)", "skills of session 2 (pid 17)", "sleep (pid 7)"; the caller's. */
char *stop_steps_name(
	const struct view *view, const struct process *process) MUST_CHECK;

#endif

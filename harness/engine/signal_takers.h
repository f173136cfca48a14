/*
 * signal_takers - who in a process takes a signal, from /proc: the main thread, another
 * thread, one that waits for it in sigwait, or a signalfd.
 *
 * A signal that the main thread blocks is kept, and not discarded, although PID 1 has no
 * handler for it; whether anybody ever takes it is seen here alone.
 */
#ifndef HARNESS_ENGINE_SIGNAL_TAKERS_H
#define HARNESS_ENGINE_SIGNAL_TAKERS_H

#include <stdbool.h>
#include <sys/types.h>

struct signal_takers {
	pid_t pid;
	bool known;         /* all of the rest could be read, at the last look */
	bool gone;          /* it had ended by then */
	bool main_waits;    /* its main thread is in sigwait for it */
	unsigned unblocked; /* threads that do not block it */
	unsigned waiting;   /* threads in sigwait for it */
	unsigned signalfds; /* descriptors that read it */
};

/* Looks at a process. Zeroed but for its pid before the first look; later ones add what
 * they see, for a thread is in sigwait most of the time, and not always. */
void signal_takers_look(struct signal_takers *takers, int signal_number);

#endif

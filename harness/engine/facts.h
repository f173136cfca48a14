/*
 * facts - what the engine and the kernel say of one stop.
 *
 * Stamps are CLOCK_MONOTONIC ns; 0 is "not seen". Only what was observed is written
 * down: what nobody saw stays unknown, and the judge says so.
 */
#ifndef HARNESS_ENGINE_FACTS_H
#define HARNESS_ENGINE_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a stamp rests on, best first. */
enum stamp_source {
	STAMP_NONE,
	STAMP_KERNEL, /* stamped by the kernel: tracepoint, process connector */
	STAMP_SELF,   /* the harness did it itself, or its own wait saw it (pidfd) */
	STAMP_ENGINE, /* the engine's event or its FinishedAt */
};

/* "none", "kernel", "harness" or "engine". */
const char *stamp_source_name(enum stamp_source source);

enum signal_delivery {
	DELIVERY_UNKNOWN,
	DELIVERY_DELIVERED, /* queued for delivery */
	DELIVERY_IGNORED, /* the kernel threw it away: no handler in PID 1, or SIG_IGN */
};

/* "unknown", "delivered" or "ignored". */
const char *signal_delivery_name(enum signal_delivery delivery);

/* "exit 0" or "SIGKILL" of a raw wait status, in text, which is given back. */
#define WAIT_STATUS_TEXT_SIZE 32
const char *wait_status_name(int wait_status, char text[WAIT_STATUS_TEXT_SIZE]);

/* A process, as the kernel told of it. */
struct proc_record {
	pid_t pid;        /* on the host */
	pid_t ns_pid;     /* in its own PID namespace; 0: not known */
	int64_t born_ns;  /* 0: before it was looked at */
	int64_t ended_ns; /* its last thread did; 0: it lives */
	int wait_status;  /* waitpid's */
	char name[16];    /* its command name; "": it was gone too soon */
};

struct stop_facts {
	int64_t asked_ns;    /* the stop was asked of the engine */
	int64_t returned_ns; /* it answered */
	int stop_signal;     /* number that was to be sent */

	/* T0: the stop signal reached PID 1; known to +- signal_error_ns. */
	int64_t signal_ns, signal_error_ns;
	enum stamp_source signal_source;
	enum signal_delivery signal_delivery;
	unsigned
		signals_seen; /* stop signals to PID 1 that were traced; 0: not traced */

	/* SIGKILL to PID 1. kill_source is the proof that it was sent and by whom:
	 * STAMP_NONE with a wait status of signal 9 is no proof. */
	int64_t kill_ns;
	enum stamp_source kill_source;
	bool kill_by_engine;
	char kill_sender[40]; /* command name of the sender when traced */

	/* PID 1 began to exit; what its children do from here on its closing descriptors
	 * made them do. 0: not traced. */
	int64_t dying_ns;

	/* T1: the end of PID 1. */
	int64_t exit_ns, exit_error_ns;
	enum stamp_source exit_source;
	bool wait_status_known;
	int wait_status; /* waitpid's, of PID 1 */
	int exit_code; /* as the engine reports it, 128+n for signals; -1: not known */
	bool exited_before_stop;

	bool oom_flag; /* engine's OOMKilled: an OOM happened in the cgroup, no more */
	int64_t oom_kills; /* in the cgroup since the stop; -1: not known */
	bool stuck;        /* the engine did not answer within grace + 50 s */
	/* Why the engine lost sight of the subject during the case; "" when it did not. */
	char unobserved[128];
};

#endif

/*
 * facts - what engine and kernel report of one stop, and what they can observe here.
 *
 * Times are CLOCK_MONOTONIC ns; 0 is "not seen". Only observations are written: the
 * rest stays unknown.
 */
#ifndef HARNESS_ENGINE_FACTS_H
#define HARNESS_ENGINE_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a stamp comes from, best first. */
enum stamp_source {
	STAMP_NONE,
	STAMP_KERNEL, /* stamped by the kernel: tracepoint, process connector */
	STAMP_SELF, /* stamped by the harness: it acted itself, or its pidfd reported */
	STAMP_ENGINE, /* the engine's event or its FinishedAt */
};

extern const char *const stamp_source_names[]; /* NULL-terminated */

enum signal_delivery {
	DELIVERY_UNKNOWN,
	DELIVERY_DELIVERED, /* queued for delivery */
	DELIVERY_IGNORED,   /* discarded: PID 1 without a handler, or SIG_IGN */
};

extern const char *const signal_delivery_names[]; /* NULL-terminated */

/* "exit 0" or "SIGKILL" of a raw wait status, in text, which is given back. */
#define WAIT_STATUS_TEXT_SIZE 32
const char *wait_status_name(int wait_status, char text[WAIT_STATUS_TEXT_SIZE]);

/* What an engine can observe here. */
struct engine_capabilities {
	enum stamp_source signal, kill, exit; /* best source */
	bool signal_delivery, wait_status, snapshots, oom;
	bool pid1_rules; /* the subject is PID 1 of a PID namespace */
	char note[256];  /* what is missing and why; "": nothing */
};

/* A process, from the process connector. */
struct proc_record {
	pid_t pid;       /* on the host */
	pid_t ns_pid;    /* in its own PID namespace; 0: not known */
	pid_t parent;    /* that forked it; 0: not known */
	int64_t born_ns; /* 0: before the lineage was watched */
	int64_t exec_ns; /* its last execve(2); 0: none since it is watched */
	/* End of its last thread; 0: running; PROC_ENDED_BEFORE: a zombie already when
	 * the lineage was first watched. */
	int64_t ended_ns;
	/* A thread of it began to exit, the last of those so far; 0: not traced. Its
	 * parent learns of its end before the connector stamps that. */
	int64_t dying_ns;
	int wait_status; /* waitpid's; of PROC_ENDED_BEFORE not known */
	/* Not PID 1's descendant: it was put into the PID namespace from outside
	 * (docker exec, a health check). */
	bool outside;
	char name[16]; /* command name; "": it ended before it was read */
};

#define PROC_ENDED_BEFORE 1

enum proc_signal_what {
	PROC_SIGNAL_SENT,    /* it was sent this signal */
	PROC_SIGNAL_HANDLED, /* its handler began */
	PROC_SIGNAL_WAITS,   /* no signal: it asked for the end of a child, wait(2) */
};

/* Of a longer row of waits by one process the first and the last ones are kept. */
#define PROC_SIGNAL_WAITS_MAX 16

/* One moment of a process and its signals, from the kernel's tracepoints. */
struct proc_signal {
	enum proc_signal_what what;
	int64_t ns;
	pid_t pid; /* the process, on the host */
	int signal;

	/* Of SENT. */
	pid_t sender;         /* on the host; 0: the kernel */
	char sender_name[16]; /* "the kernel" */
	bool ignored;         /* discarded: SIG_IGN, or PID 1 without a handler */

	/* Of HANDLED. */
	bool restarts; /* SA_RESTART: an interrupted system call goes on after it */
};

/* How a TCP connection was closed, from the kernel's tracepoints. */
struct connection_close {
	bool closed;     /* on this side */
	bool after_peer; /* which had closed it before */
	bool by_exit;    /* by the end of its process, and not by its program */
	bool reset;      /* the peer sent RST */
};

struct stop_facts {
	int64_t asked_ns;    /* the stop was requested */
	int64_t returned_ns; /* the engine answered */
	int stop_signal;     /* number of the signal to be sent */

	/* T0: the stop signal reached PID 1; known to +- signal_error_ns. */
	int64_t signal_ns, signal_error_ns;
	enum stamp_source signal_source;
	enum signal_delivery signal_delivery;
	unsigned signals_seen; /* stop signals to PID 1; 0: not traced */

	/* SIGKILL to PID 1. Only kill_source proves that it was sent: a wait status of
	 * signal 9 is no proof. */
	int64_t kill_ns;
	enum stamp_source kill_source;
	bool kill_by_engine;
	char kill_sender[40]; /* command name of the sender when traced */

	/* PID 1 began to exit. From here on its descriptors close, and its children may
	 * end because of that. 0: not traced. */
	int64_t dying_ns;

	/* T1: the end of PID 1. */
	int64_t exit_ns, exit_error_ns;
	enum stamp_source exit_source;
	bool wait_status_known;
	int wait_status; /* waitpid's, of PID 1 */
	int exit_code;   /* from the engine, 128+n for a signal; -1: not known */
	/* The engine reports the end of a process that still runs, by its pidfd. What
	 * it reports of signals and times is then no fact. */
	bool runs_on;
	int claimed_exit_code; /* then: what it reports */
	bool exited_before_stop;
	bool no_stop;    /* nobody has asked for a stop: it ended all the same */
	int64_t exec_ns; /* PID 1's last execve(2) since it is watched; 0: none */

	bool oom_flag;     /* the engine's OOMKilled: an OOM happened in the cgroup */
	int64_t oom_kills; /* in the cgroup since the stop; -1: not known */
	bool stuck;        /* the engine did not answer within grace + 50 s */
	/* Why the engine lost sight of the subject during the case; "" when it did
	 * not. */
	char unobserved[128];
};

/* The engine itself sends SIGKILL, now. */
void stop_facts_kill(struct stop_facts *facts);

#endif

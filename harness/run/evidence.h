/*
 * evidence - all that was observed of one case, without conclusions.
 *
 * The run fills it, the judge reads it, the report keeps it. Stamps are CLOCK_MONOTONIC
 * ns; 0 is "did not happen". All owned, freed by evidence_done().
 */
#ifndef HARNESS_RUN_EVIDENCE_H
#define HARNESS_RUN_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "harness/engine/connection_ends.h"
#include "harness/engine/engine.h"
#include "harness/engine/facts.h"
#include "harness/engine/snapshot.h"
#include "harness/run/event.h"
#include "harness/scenario/stop_part.h"

/* One process's connection to the ledger. */
struct lifeline {
	char *role, *name, *session; /* name and session may be NULL */
	pid_t pid;                   /* on the host, by the kernel's word; 0 over TCP */
	pid_t own_pid;               /* in its own PID namespace, by its own word */
	int64_t opened_ns;
	int64_t ended_ns; /* 0: still open when the case was over */
	int64_t exit_ns;  /* of its process.exit, by its own stamp; 0: it wrote none */
	int exit_code;
	int64_t eof_ns;    /* its stdin ended */
	int64_t signal_ns; /* it took its last signal, */
	int signal;        /* this one */
};

enum request_kind {
	REQUEST_OPEN, /* the webhook that opens a session */
	REQUEST_TURN, /* in flight when the stop comes */
	REQUEST_IDLE, /* made the connection that idles */
	REQUEST_HTTP, /* of load.request: a client's last one */
	REQUEST_KINDS,
};

enum request_end {
	REQUEST_PENDING,     /* nothing yet; at the end of the case: never answered */
	REQUEST_ANSWERED,    /* a whole answer with the status that is expected */
	REQUEST_TURNED_AWAY, /* a whole answer, 503 */
	REQUEST_WRONG,       /* a whole answer with another status */
	REQUEST_UNPROVEN,    /* the connection's end ended it: whole, or cut */
	REQUEST_REFUSED,     /* never accepted: no connection */
	REQUEST_BROKEN,      /* accepted, and the answer never came whole: lost */
};

/* "answered", "lost", ... */
const char *request_end_name(enum request_end end);

struct load_request {
	enum request_kind kind;
	unsigned session; /* 1..N; 0 for REQUEST_IDLE and REQUEST_HTTP */
	unsigned client;  /* 1..N of REQUEST_HTTP; else 0 */
	char *room, *bot; /* NULL without a session */
	int64_t sent_ns, ended_ns;
	enum request_end end;
	long status;
	bool has_reply; /* of a webhook: the answer holds what the mock's model said */
	char *why;      /* NULL when answered */
};

/* A line of the service's stdout or stderr. */
struct log_line {
	int64_t ns; /* when it was read */
	char *text;
};

/* Why a case has no stop to judge, or less of it. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_NOT_UP,    /* engine or mocks could not bring it up: exit code 3 */
	TROUBLE_NOT_READY, /* the service was never ready */
	TROUBLE_EXITED,    /* it ended before it was ready, or before the stop */
	TROUBLE_LOAD, /* sessions could not be opened: webhooks answered with errors */
	TROUBLE_WHEN, /* the event of stop.when never came */
	TROUBLE_INTERRUPTED, /* Ctrl-C */
};

/* "none", "not-up", "not-ready", ...; NULL-terminated. */
extern const char *const trouble_names[];

/* Past a bound, things are counted and not kept. */
#define EVIDENCE_LOG_MAX       100000 /* lines */
#define EVIDENCE_LOG_BYTES     ((size_t)64 << 20)
#define EVIDENCE_EVENTS_MAX    (1u << 20)
#define EVIDENCE_EVENTS_BYTES  ((size_t)128 << 20)
#define EVIDENCE_LIFELINES_MAX (1u << 16)

/* How a client's session of the agent API lost its last connection, on the service's
 * side: by the ports of its agent.session.closed. */
struct client_close {
	unsigned port;
	struct connection_close close;
};

struct event_count;

struct evidence {
	const char *engine; /* "docker" */
	/* Its events are a record. Of any other service they are hints: no verdict rests
	 * on them. */
	bool own_service;
	struct engine_capabilities capabilities;
	enum trouble trouble;
	char trouble_text[1024]; /* what went wrong, in words */

	struct stop_facts facts;
	struct event *events; /* in the order in which they arrived */
	unsigned event_count;
	size_t event_bytes;
	struct event_count *counts; /* by name */
	struct lifeline *lifelines;
	unsigned lifeline_count;
	struct load_request *requests;
	unsigned request_count;
	/* That PID 1 was sent after the stop signal, while it ran (stop.signals). */
	struct sent_signal {
		int64_t ns;
		int number;
	} sent_signals[STOP_SIGNALS_MAX];
	unsigned sent_signal_count;
	char *load_command; /* how load.command failed; NULL: it did not */
	/* Before the stop, then +0.1 s, +1 s, each second, and a quarter of a second
	 * before the grace ends. */
	struct snapshot *snapshots;
	unsigned snapshot_count;
	/* PID 1's descendants, ended ones included. */
	struct proc_record *descendants;
	unsigned descendant_count;
	bool descendants_known; /* the kernel reported all of them */
	/* Of PID 1 and its descendants, in the order of their stamps. */
	struct proc_signal *signals;
	unsigned signal_count;
	bool signals_known; /* the kernel reported all of them */
	/* What became of the connections that were under way in the first snapshot, in
	 * that order; none where that could not be watched. */
	struct connection_end *connections;
	unsigned connection_count;
	struct client_close *client_closes; /* of the stop */
	unsigned client_close_count;
	struct log_line *log;
	unsigned log_count;
	size_t log_bytes;
	uint64_t log_dropped, events_dropped, lifelines_dropped; /* past the bounds */
	cJSON *engine_events;                                    /* NULL: none */

	/* load.replacement: the sessions of the load; those of the replacement are in rooms
	 * with a greater number. 0: there is no replacement. */
	unsigned replaced;

	uint64_t seed;
	bool unsettled; /* it counted as ready while its processes still started */
	int64_t began_ns, up_ns, ready_ns, loaded_ns, stopped_ns, ended_ns;
};

void evidence_done(struct evidence *evidence);

/* Adds an event. Takes json; without a member "event" it is none. */
void evidence_add_event(
	struct evidence *evidence, enum event_source source, int lifeline, cJSON *json);
/* A line that the subject printed; one that is an event is kept as such too. */
void evidence_add_log(
	struct evidence *evidence, int64_t ns, const char *line, size_t len);
/* A line is stamped when it is read: none was printed after the end of a PID namespace. */
void evidence_bound_log(struct evidence *evidence);
/* Gives the index of the new lifeline, -1 past the bound. */
int evidence_add_lifeline(struct evidence *evidence, pid_t pid);
/* Gives the index of the new request. Copies room and bot. */
unsigned evidence_add_request(struct evidence *evidence, enum request_kind kind,
	unsigned session, const char *room, const char *bot);
/* Takes what snapshot holds. */
void evidence_add_snapshot(struct evidence *evidence, struct snapshot *snapshot);
/* The moment from which on what happens to PID 1's descendants is the work of its end:
 * SIGKILL reached it, or it began to exit, or, where neither was seen, it had ended. */
struct death {
	int64_t ns;       /* 0: not known */
	int64_t error_ns; /* it may have been this much earlier */
	bool only_end; /* ns is the end of PID 1: the kernel ended the others before */
};

struct death evidence_death(const struct evidence *evidence);

/* What ended before this ended before the death. Where only the end of PID 1 is known, the
 * kernel had begun to end the others some time earlier. */
int64_t death_earliest_ns(const struct death *death);

/* The last snapshot that was complete before PID 1's death and before SIGKILL to it, or
 * NULL: a later one shows what these did (who is killed is running). Borrowed. */
const struct snapshot *evidence_last_snapshot(const struct evidence *evidence);

/* What became of the stop signal to PID 1. A process that blocks every signal, as a shell
 * does while it forks, has one queued for which it has no handler; the kernel discards it
 * for PID 1 when it is unblocked. So a queued one was discarded where SIGKILL had to end
 * PID 1, no handler ran, none was ever seen, and it is not pending any more. (What sigwait
 * and signalfd take is seen to be blocked.) */
enum signal_delivery evidence_delivery(const struct evidence *evidence);

/* Is the lifeline this process's? (Pids are used again.) */
bool lifeline_is_of(const struct lifeline *lifeline, const struct proc_record *record);

/* The lifeline of a descendant of PID 1; NULL: it had none. Borrowed. */
const struct lifeline *evidence_lifeline_of(
	const struct evidence *evidence, const struct proc_record *record);

/* The first event with this name from since_ns on, or NULL. */
const struct event *evidence_find_event(const struct evidence *evidence,
	enum event_source source, const char *name, int64_t since_ns);
/* Is it the mock agent API's own? (Its lifeline is there before the service runs: a
 * later one of that role belongs to another process.) */
bool evidence_is_agents(const struct evidence *evidence, const struct event *event);
/* Is it about a session of the replacement? */
bool evidence_is_replacements(
	const struct evidence *evidence, const struct event *event);
/* How many events have this name, also of those that were not kept. Those of the mocks
 * count only from their writers: "agent.*" from the mock agent API, "process.*" and
 * what MCP servers write from a lifeline. */
unsigned evidence_count(const struct evidence *evidence, const char *name);

#endif

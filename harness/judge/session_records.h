/*
 * session_records - the events of a case, session by session.
 *
 * A session is one of the agent API's, by its id: a room may have had several. Events
 * of the API count only from the mock agent. A room in the service's events is the
 * room's latest session. They are hints: nothing that a verdict rests on is taken from
 * them, but that a session was kept, of our own service.
 *
 * A client that keeps its conversation itself (the Messages API, OpenAI's, the CLI) asks
 * for no end. Its session is done when its connections were closed before PID 1's end;
 * those that the end of a process closed say nothing, for or against it. But the CLI's
 * process is its session: it is done when that has ended before PID 1, by its lifeline, or
 * by the word of the kernel or of our own service.
 */
#ifndef HARNESS_JUDGE_SESSION_RECORDS_H
#define HARNESS_JUDGE_SESSION_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/run/evidence.h"

struct record_key;

struct session_record {
	const char *id;    /* of the API */
	const char *label; /* the room; borrowed from the evidence, as all text here */
	const char *api; /* of a client that keeps its conversation itself; else NULL */
	bool cli;        /* of the CLI, whose process is the session */
	const struct lifeline *process; /* of that, where it is the stand-in; or NULL */
	bool in_room; /* the client said so: else the label is a number like others */
	int64_t gone_ns;     /* then: its last connection was closed; 0: it is there */
	int64_t reaped_ns;   /* cli: the service reaped its process */
	bool closed_by_exit; /* then: by the end of its process */
	/* It counts among those that have an end: one of the session API, or of a CLI
	 * of which it is known whether it was told to end. */
	bool has_end;
	bool left_open;    /* then: until the end of its process, or of PID 1 */
	unsigned earlier;  /* index of the room's session before this one; NO_RECORD */
	int64_t opened_ns; /* the API created it */
	int64_t asked_ns;  /* agent.disconnect.begin: the way down reached the API */
	int64_t begun_ns;  /* the service's session.disconnect.begin */
	/* agent.disconnect.done, or, where sessions are kept, the service's
	 * session.disconnected */
	int64_t done_ns;
	int64_t stream_closed_ns; /* by the client, its last one */
	unsigned streams;         /* open */
	const char *failed;       /* the service's or the API's reason, NULL: none */
	int64_t failed_ns;
	int64_t kept_ns;     /* the service released it without ending it at the API */
	int64_t released_ns; /* session.disconnected, or session.disconnect.failed */
	int64_t closed_ns; /* the service's session.closed: its servers have ended, too */
	int64_t turn_begun_ns, turn_ended_ns; /* its last turn; 0: none, or not ended */
	bool done;
	bool unproven; /* kept, and its stream closed no sooner than PID 1 ended */
};

#define NO_RECORD UINT32_MAX

struct session_records {
	struct session_record *records; /* owned; in the order of their opening */
	unsigned count;
	unsigned done, unproven;
	unsigned clients, left_open; /* those with an api */
	struct record_key *by_id;    /* owned */
};

/* `keeps`: the scenario's sessions are kept at the stop (SESSION_END=keep): the
 * service's events that say so count. */
void session_records_find(
	struct session_records *sessions, const struct evidence *evidence, bool keeps);
/* NULL: there is no session with this id. */
const struct session_record *session_records_find_id(
	const struct session_records *sessions, const char *id);
void session_records_done(struct session_records *sessions);

#endif

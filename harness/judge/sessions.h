/*
 * sessions - the events of a case told session by session.
 *
 * Joins what the mock agent API, the mock MCP servers, the service's log and the load
 * said of one session by its label (the room).
 */
#ifndef HARNESS_JUDGE_SESSIONS_H
#define HARNESS_JUDGE_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/run/evidence.h"

struct session_story {
	const char *label; /* borrowed from the evidence */
	int64_t opened_ns; /* the API created it */
	int64_t asked_ns;  /* agent.disconnect.begin: the way down reached the API */
	int64_t begun_ns;  /* the service's session.disconnect.begin */
	int64_t done_ns;   /* agent.disconnect.done, or, where sessions are kept, the
				service's session.disconnected */
	int64_t stream_closed_ns; /* by the client */
	const char *failed;       /* the service's or the API's reason, NULL: none */
	int64_t failed_ns;
	bool done;
	int64_t kept_ns; /* the service let it go without ending it at the API */
};

struct sessions {
	/* owned; in the order in which they were opened */
	struct session_story *stories;
	unsigned count;
	unsigned done;
};

void sessions_tell(struct sessions *sessions, const struct evidence *evidence);
void sessions_done(struct sessions *sessions);

#endif

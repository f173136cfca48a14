/*
 * client_session - the session of a client that keeps its conversation itself: all its
 * requests to the Messages API, and the connections that they came on.
 *
 * Such a client opens and closes nothing. Its session is what it says of itself, the
 * first of: a name in the path of its base URL (/room/NAME/v1/messages), the header
 * X-Session, the CLI's x-claude-code-session-id, the user that the body names; else its
 * TCP connection. The session opens with the first request, and is closed when the last
 * connection that carried one has ended; a further request resumes it.
 *
 * What the client says is not written down, but for a name in the path or in X-Session,
 * which are there for that: the session's id is a hash of it.
 */
#ifndef MOCK_AGENT_SESSION_CLIENT_SESSION_H
#define MOCK_AGENT_SESSION_CLIENT_SESSION_H

#include <stdint.h>

#include <uthash.h>

#include "lib/web.h"
#include "mock-agent/faults/fault_schedule.h"
#include "mock-agent/session/client_turn.h"
#include "mock-agent/session/session_numbers.h"

#define CLIENT_SESSIONS_MAX 32768 /* remembered ones; those of connections while open */

enum client_named_by {
	CLIENT_BY_PATH,
	CLIENT_BY_HEADER,
	CLIENT_BY_CLI,
	CLIENT_BY_USER,
	CLIENT_BY_CONNECTION,
};

/* Whose request it is. All borrowed; NULL: not said. */
struct client_origin {
	const char *names[CLIENT_BY_CONNECTION]; /* by enum client_named_by */
	struct web_connection *connection;
	const char *api; /* "messages"; constant */
};

struct client_session {
	struct client_sessions *all;
	uint64_t key;
	char id[32];
	char label[FAULT_SCHEDULE_LABEL_SIZE];
	const char *api;
	enum client_named_by by;
	/* Of a connection the shared one of number 0: a client that was cut off returns
	 * on another connection, to the same faults. */
	struct fault_schedule *schedule;
	unsigned connections; /* open */
	unsigned holds;       /* by requests under way, and by the table */
	bool forgotten;       /* by a reset: it writes no event any more */
	struct client_turns turns;
	UT_hash_handle hh;
};

/* A zeroed one with the first two members is empty. */
struct client_sessions {
	struct fault_schedules *schedules;
	struct session_numbers *numbers;
	struct client_session *by_key;
	unsigned connections; /* that were a session so far */
	bool full;            /* and that was logged */
};

/* The members of every event about a session. */
#define CLIENT_SESSION_LOG(session)                                                    \
	"session", LOG_TEXT((session)->label), "id", LOG_TEXT((session)->id)

/* The session of a request, opened or resumed, with a hold of the caller's. NULL: there
 * are too many. */
struct client_session *client_sessions_take(
	struct client_sessions *sessions, const struct client_origin *origin);
void client_session_release(struct client_session *session); /* accepts NULL */

/* A connection has ended: closes the sessions that have no other one. */
void client_sessions_disconnect(struct web_connection *connection);

/* Forgets all, without an event. The connections stay. */
void client_sessions_clear(struct client_sessions *sessions);

const char *client_named_by_name(enum client_named_by by);

/* The session id within a user_id of the Messages API: of JSON its member session_id,
 * of "..._session_ID" the ID; else the whole text. Gives the caller a string. */
char *client_session_of_user(const char *user_id) MUST_CHECK;

#endif

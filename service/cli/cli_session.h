/*
 * cli_session - one conversation that a CLI process of its own holds, as a
 * ClaudeSDKClient does.
 *
 *   QUEUED --> STARTING --> OPEN --> BROKEN
 *      |          |          |         |
 *      +----------+----------+---------+--> RELEASING --> RELEASED
 *
 * STARTING is the process without its answer to initialize; it changes to BROKEN as
 * well, and back to QUEUED when a stored conversation cannot be resumed: then a new one
 * begins. The release is the end of the process: a turn that runs is interrupted, stdin
 * is closed, then SIGTERM, then SIGKILL. It is over when the process was reaped.
 *
 * All callbacks come from the loop, never from inside a call of yours.
 */
#ifndef SERVICE_CLI_CLI_SESSION_H
#define SERVICE_CLI_CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "service/cli/cli_host.h"
#include "service/metrics.h"

struct cli_session;

struct cli_session_events {
	/* Open: id is the conversation's. Or it could not be opened: id is NULL, and
	 * only release and destroy make sense. Not after cli_session_release(). */
	void (*opened)(void *arg, const char *id, const char *why);
	/* A turn ended; never TURN_TIMED_OUT. text is the reply, or why there is none.
	 * Once for each successful cli_session_send(), before the release is done. */
	void (*turned)(void *arg, enum turn_end end, const char *text);
	/* The process ended by itself; `turned` came before. Also after
	 * cli_session_release() was not called because nobody releases. */
	void (*broke)(void *arg, const char *why);
};

typedef void cli_session_released_fn(void *arg, const char *why);

/* id: a stored conversation, or NULL for a new one. forgets: nothing is stored of it.
 * Keeps host, room, bot and events; copies id. */
struct cli_session *cli_session_open(const struct cli_host *host, const char *id,
	bool forgets, const char *room, const char *bot,
	const struct cli_session_events *events, void *arg) MUST_CHECK;

/* Was there a process? */
bool cli_session_exists(const struct cli_session *session);

/* Begins a turn. Fails while another one runs. */
bool cli_session_send(
	struct cli_session *session, const char *text, struct err *err) MUST_CHECK;
/* Interrupts the running turn; `turned` follows. */
void cli_session_interrupt(struct cli_session *session);

/* Ends the process, in any state, once. The steps fit below deadline_ns
 * (CLOCK_MONOTONIC; 0: none). `done`: why is NULL, or what cli_session_give_up() said. */
void cli_session_release(struct cli_session *session, int64_t deadline_ns,
	cli_session_released_fn *done, void *arg);
/* SIGKILL now; `done` is called with `why`, a constant string, from the loop. */
void cli_session_give_up(struct cli_session *session, const char *why);

/* Kills the process if it runs. No callback follows. Accepts NULL. */
void cli_session_destroy(struct cli_session *session);

#endif

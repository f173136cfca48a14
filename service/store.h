/*
 * store - the state that outlives the process: the agent session of each (room, bot),
 * the agent and environment that we created, the MCP servers' tools, the last stop.
 *
 * One SQLite file (WAL, synchronous NORMAL: a crash of the machine may lose the last
 * moments, never the file), or ":memory:". Each call is a transaction of its own and
 * takes some 50 us. While another process writes, the first call waits for at most 250
 * ms; it and the calls after it fail until the other process is done. Errors name the
 * path.
 */
#ifndef SERVICE_STORE_H
#define SERVICE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "service/metrics.h"

struct store;

struct store *store_open(const char *path, struct err *err) MUST_CHECK;

/* Gives ok. False is logged with err: most callers go on without the store. */
bool store_log(bool ok, const struct err *err);

/* From now on a call waits at most so long while another process writes. */
void store_set_patience(struct store *store, int64_t patience_ns);

/* Writes the log back into the file, so that it is one file again. */
bool store_flush(struct store *store, struct err *err) MUST_CHECK;

/* The last failed call failed because another process held the file locked. */
bool store_was_locked(const struct store *store);

/* Accepts NULL. */
void store_close(struct store *store);

/* Gives the id of the agent session of (room, bot), to free(); NULL: none. */
bool store_find_session(struct store *store, const char *room, const char *bot,
	char **id, struct err *err) MUST_CHECK;

/* With the current time as its last use. */
bool store_save_session(struct store *store, const char *room, const char *bot,
	const char *id, bool interrupted, struct err *err) MUST_CHECK;

/* Does nothing when (room, bot) has another id by now. */
bool store_forget_session(struct store *store, const char *room, const char *bot,
	const char *id, struct err *err) MUST_CHECK;

struct store_census {
	int64_t sessions;
	int64_t interrupted;
};

bool store_count_sessions(
	struct store *store, struct store_census *census, struct err *err) MUST_CHECK;

/* Gives the tools/list array of the server with this fingerprint as JSON, to free();
 * NULL: not known. */
bool store_find_tools(struct store *store, uint64_t fingerprint, char **list,
	struct err *err) MUST_CHECK;
bool store_save_tools(struct store *store, const char *server, uint64_t fingerprint,
	const char *list, struct err *err) MUST_CHECK;

/* Gives the id of what we created at a path of the agent API, such as "/v1/agents", to
 * free(); NULL: nothing. */
bool store_find_thing(
	struct store *store, const char *name, char **id, struct err *err) MUST_CHECK;
/* id NULL: nothing any more. */
bool store_save_thing(struct store *store, const char *name, const char *id,
	struct err *err) MUST_CHECK;

/* *known is false when nothing was saved yet. */
bool store_find_stop(struct store *store, struct stop_stats *stop, bool *known,
	struct err *err) MUST_CHECK;
bool store_save_stop(
	struct store *store, const struct stop_stats *stop, struct err *err) MUST_CHECK;

#endif

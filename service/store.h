/*
 * store - what outlives the process: which agent session belongs to whom, which agent is
 * ours, what tools the MCP servers have, how the last stop went.
 *
 * One SQLite file (WAL, synchronous NORMAL: a crash of the machine may lose the last
 * moments, never the file), or ":memory:". Each call is a transaction of its own, some
 * 50 us. While somebody else writes the first call waits, at most 250 ms; it and those
 * that follow meanwhile fail. A call that fails names the path.
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

/* From now on a call waits at most so long while somebody else writes. */
void store_set_patience(struct store *store, int64_t patience_ns);

/* Writes the log back into the file, so that it is one file again. */
bool store_flush(struct store *store, struct err *err) MUST_CHECK;

/* The last failed call failed because another process held the file locked. */
bool store_was_locked(const struct store *store);

/* Accepts NULL. */
void store_close(struct store *store);

/* The agent session of (room, bot): the caller's to free(), NULL when there is none. */
bool store_find_session(struct store *store, const char *room, const char *bot,
	char **id, struct err *err) MUST_CHECK;

/* Now was its last use. `interrupted`: its last turn was cut short. */
bool store_save_session(struct store *store, const char *room, const char *bot,
	const char *id, bool interrupted, struct err *err) MUST_CHECK;

/* Only if it is still this one's. */
bool store_forget_session(struct store *store, const char *room, const char *bot,
	const char *id, struct err *err) MUST_CHECK;

struct store_census {
	int64_t sessions;
	int64_t interrupted;
};

bool store_count_sessions(
	struct store *store, struct store_census *census, struct err *err) MUST_CHECK;

/* The tools/list array of the server with this fingerprint as JSON, to free(); NULL
 * when it is not known. */
bool store_find_tools(struct store *store, uint64_t fingerprint, char **list,
	struct err *err) MUST_CHECK;
bool store_save_tools(struct store *store, const char *server, uint64_t fingerprint,
	const char *list, struct err *err) MUST_CHECK;

/* What the agent API calls a thing that we made there, such as "/v1/agents": to free(),
 * NULL when there is none. */
bool store_find_thing(
	struct store *store, const char *name, char **id, struct err *err) MUST_CHECK;
/* id NULL: there is none any more. */
bool store_save_thing(struct store *store, const char *name, const char *id,
	struct err *err) MUST_CHECK;

/* False in *known: there was none yet. */
bool store_find_stop(struct store *store, struct stop_stats *stop, bool *known,
	struct err *err) MUST_CHECK;
bool store_save_stop(
	struct store *store, const struct stop_stats *stop, struct err *err) MUST_CHECK;

#endif

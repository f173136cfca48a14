#include "service/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define FORMAT  3 /* of the tables; kept in user_version */
#define BUSY_MS 250
#define NOW     "CAST(strftime('%s', 'now') AS INTEGER)"

/* The upgrade from each format to the next. */
static const char *const upgrades[FORMAT] = {
	"CREATE TABLE sessions (room TEXT NOT NULL, bot TEXT NOT NULL,"
	" agent_session TEXT NOT NULL, last_use INTEGER NOT NULL,"
	" interrupted INTEGER NOT NULL, PRIMARY KEY (room, bot)) WITHOUT ROWID;"
	"CREATE TABLE tools (server TEXT PRIMARY KEY, fingerprint INTEGER NOT NULL,"
	" list TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE last_stop (one INTEGER PRIMARY KEY CHECK (one = 1),"
	" at INTEGER NOT NULL, took_ns INTEGER NOT NULL, sessions INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, killed INTEGER NOT NULL)",
	"CREATE TABLE things (name TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID",
	"ALTER TABLE last_stop ADD COLUMN unfinished INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE last_stop ADD COLUMN eof INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE last_stop ADD COLUMN term INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE last_stop ADD COLUMN kill INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 3",
};

enum query {
	FIND_SESSION,
	SAVE_SESSION,
	FORGET_SESSION,
	COUNT_SESSIONS,
	FIND_TOOLS,
	SAVE_TOOLS,
	FIND_THING,
	SAVE_THING,
	FIND_STOP,
	SAVE_STOP,
	QUERIES,
};

static const char *const queries[QUERIES] = {
	[FIND_SESSION] =
		"SELECT agent_session FROM sessions WHERE room = ?1 AND bot = ?2",
	[SAVE_SESSION] = "INSERT OR REPLACE INTO sessions"
			 " VALUES (?1, ?2, ?3, " NOW ", ?4)",
	[FORGET_SESSION] = "DELETE FROM sessions"
			   " WHERE room = ?1 AND bot = ?2 AND agent_session = ?3",
	[COUNT_SESSIONS] = "SELECT count(*), count(*) FILTER (WHERE interrupted)"
			   " FROM sessions",
	[FIND_TOOLS] = "SELECT list FROM tools WHERE fingerprint = ?1",
	[SAVE_TOOLS] = "INSERT OR REPLACE INTO tools VALUES (?1, ?2, ?3)",
	[FIND_THING] = "SELECT id FROM things WHERE name = ?1",
	[SAVE_THING] = "INSERT OR REPLACE INTO things VALUES (?1, ?2)",
	[FIND_STOP] = "SELECT took_ns, sessions, failed, killed, unfinished, eof, term,"
		      " kill FROM last_stop",
	[SAVE_STOP] = "INSERT OR REPLACE INTO last_stop"
		      " VALUES (1, " NOW ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
};

struct store {
	char *path;
	sqlite3 *db;
	int busy_ms;     /* how long a call waits for another writer */
	bool was_locked; /* the last failure: by another process */
	sqlite3_stmt *statements[QUERIES];
};

static bool fail(struct store *store, struct err *err)
{
	store->was_locked = store->db && sqlite3_errcode(store->db) == SQLITE_BUSY;
	return err_set(err, "store %s: %s", store->path,
		store->db ? sqlite3_errmsg(store->db) : "out of memory");
}

static bool run(struct store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(store, err);
	return true;
}

static bool read_format(struct store *store, int *format, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	bool ok = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement,
			  NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW;

	if (ok)
		*format = sqlite3_column_int(statement, 0);
	else
		fail(store, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool make_tables(struct store *store, struct err *err)
{
	int format;

	if (!run(store, "BEGIN IMMEDIATE", err) || !read_format(store, &format, err))
		return false;
	if (format > FORMAT)
		return err_set(err,
			"store %s: written by a newer version (format %d, not %d)",
			store->path, format, FORMAT);
	for (; format < FORMAT; format++)
		if (!run(store, upgrades[format], err))
			return false;
	return run(store, "COMMIT", err);
}

struct store *store_open(const char *path, struct err *err)
{
	struct store *store = mem_zeroed(sizeof *store);
	bool ok;

	store->path = mem_text(path);
	store->busy_ms = BUSY_MS;
	ok = sqlite3_open_v2(path, &store->db,
		     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK ||
		fail(store, err);
	if (ok) {
		sqlite3_busy_timeout(store->db, store->busy_ms);
		ok = run(store,
			     "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
			     err) &&
			make_tables(store, err);
	}
	for (int i = 0; i < QUERIES && ok; i++)
		ok = sqlite3_prepare_v3(store->db, queries[i], -1,
			     SQLITE_PREPARE_PERSISTENT, &store->statements[i],
			     NULL) == SQLITE_OK ||
			fail(store, err);
	if (!ok) {
		store_close(store);
		return NULL;
	}
	return store;
}

void store_set_patience(struct store *store, int64_t patience_ns)
{
	int64_t ms = patience_ns / CLOCK_MS;

	store->busy_ms = ms < BUSY_MS ? (int)ms : BUSY_MS;
	sqlite3_busy_timeout(store->db, store->busy_ms);
}

bool store_flush(struct store *store, struct err *err)
{
	if (sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
		    NULL) != SQLITE_OK)
		return fail(store, err);
	return true;
}

bool store_was_locked(const struct store *store)
{
	return store->was_locked;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

static void bind_text(struct store *store, enum query query, int at, const char *text)
{
	sqlite3_bind_text(store->statements[query], at, text, -1, SQLITE_STATIC);
}

static void bind_int(struct store *store, enum query query, int at, int64_t value)
{
	sqlite3_bind_int64(store->statements[query], at, value);
}

/* A query gives one row at most. Bound values are only borrowed: every step() is followed
 * by finish(). */
static bool step(struct store *store, enum query query, bool *row, struct err *err)
{
	int code = sqlite3_step(store->statements[query]);

	*row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE || fail(store, err);
}

static void finish(struct store *store, enum query query)
{
	sqlite3_reset(store->statements[query]);
	sqlite3_clear_bindings(store->statements[query]);
}

/* After a wait in vain the next calls do not wait, until one succeeds: each wait blocks
 * the loop. */
static bool write_row(struct store *store, enum query query, struct err *err)
{
	bool row, ok = step(store, query, &row, err);

	finish(store, query);
	sqlite3_busy_timeout(store->db, ok ? store->busy_ms : 0);
	return ok;
}

static bool find_text(
	struct store *store, enum query query, char **text, struct err *err)
{
	bool row, ok = step(store, query, &row, err);

	if (ok)
		*text = !row ? NULL
			     : mem_text((const char *)sqlite3_column_text(
				       store->statements[query], 0));
	finish(store, query);
	return ok;
}

static int64_t column(struct store *store, enum query query, int at)
{
	return sqlite3_column_int64(store->statements[query], at);
}

bool store_find_session(struct store *store, const char *room, const char *bot,
	char **id, struct err *err)
{
	bind_text(store, FIND_SESSION, 1, room);
	bind_text(store, FIND_SESSION, 2, bot);
	return find_text(store, FIND_SESSION, id, err);
}

bool store_save_session(struct store *store, const char *room, const char *bot,
	const char *id, bool interrupted, struct err *err)
{
	bind_text(store, SAVE_SESSION, 1, room);
	bind_text(store, SAVE_SESSION, 2, bot);
	bind_text(store, SAVE_SESSION, 3, id);
	bind_int(store, SAVE_SESSION, 4, interrupted);
	return write_row(store, SAVE_SESSION, err);
}

bool store_forget_session(struct store *store, const char *room, const char *bot,
	const char *id, struct err *err)
{
	bind_text(store, FORGET_SESSION, 1, room);
	bind_text(store, FORGET_SESSION, 2, bot);
	bind_text(store, FORGET_SESSION, 3, id);
	return write_row(store, FORGET_SESSION, err);
}

bool store_count_sessions(
	struct store *store, struct store_census *census, struct err *err)
{
	bool row, ok = step(store, COUNT_SESSIONS, &row, err);

	if (ok)
		*census = (struct store_census){
			.sessions = column(store, COUNT_SESSIONS, 0),
			.interrupted = column(store, COUNT_SESSIONS, 1),
		};
	finish(store, COUNT_SESSIONS);
	return ok;
}

bool store_find_tools(
	struct store *store, uint64_t fingerprint, char **list, struct err *err)
{
	bind_int(store, FIND_TOOLS, 1, (int64_t)fingerprint);
	return find_text(store, FIND_TOOLS, list, err);
}

bool store_save_tools(struct store *store, const char *server, uint64_t fingerprint,
	const char *list, struct err *err)
{
	bind_text(store, SAVE_TOOLS, 1, server);
	bind_int(store, SAVE_TOOLS, 2, (int64_t)fingerprint);
	bind_text(store, SAVE_TOOLS, 3, list);
	return write_row(store, SAVE_TOOLS, err);
}

bool store_find_thing(struct store *store, const char *name, char **id, struct err *err)
{
	bind_text(store, FIND_THING, 1, name);
	return find_text(store, FIND_THING, id, err);
}

bool store_save_thing(
	struct store *store, const char *name, const char *id, struct err *err)
{
	bind_text(store, SAVE_THING, 1, name);
	bind_text(store, SAVE_THING, 2, id);
	return write_row(store, SAVE_THING, err);
}

bool store_find_stop(
	struct store *store, struct stop_stats *stop, bool *known, struct err *err)
{
	bool row, ok = step(store, FIND_STOP, &row, err);

	if (ok)
		*known = row;
	if (ok && row)
		*stop = (struct stop_stats){
			.took_ns = column(store, FIND_STOP, 0),
			.sessions = column(store, FIND_STOP, 1),
			.failed = column(store, FIND_STOP, 2),
			.killed = column(store, FIND_STOP, 3),
			.unfinished = column(store, FIND_STOP, 4) != 0,
			.eof = column(store, FIND_STOP, 5),
			.term = column(store, FIND_STOP, 6),
			.kill = column(store, FIND_STOP, 7),
		};
	finish(store, FIND_STOP);
	return ok;
}

bool store_save_stop(
	struct store *store, const struct stop_stats *stop, struct err *err)
{
	bind_int(store, SAVE_STOP, 1, stop->took_ns);
	bind_int(store, SAVE_STOP, 2, stop->sessions);
	bind_int(store, SAVE_STOP, 3, stop->failed);
	bind_int(store, SAVE_STOP, 4, stop->killed);
	bind_int(store, SAVE_STOP, 5, stop->unfinished);
	bind_int(store, SAVE_STOP, 6, stop->eof);
	bind_int(store, SAVE_STOP, 7, stop->term);
	bind_int(store, SAVE_STOP, 8, stop->kill);
	return write_row(store, SAVE_STOP, err);
}

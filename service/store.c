#include "service/store.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
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
	bool has_row;    /* the last step() found one */
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

bool store_log(bool ok, const struct err *err)
{
	if (!ok)
		log_event("store.failed", "why", LOG_TEXT(err->text));
	return ok;
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

/* Binds the values, by kinds: 's' is a text, 'i' an int64_t; then fetches the row, of
 * which there is one at most. Texts are only borrowed: finish() follows every
 * step(). */
static bool step(
	struct store *store, enum query query, struct err *err, const char *kinds, ...)
{
	sqlite3_stmt *statement = store->statements[query];
	va_list args;
	int code;

	va_start(args, kinds);
	for (int at = 1; *kinds; kinds++, at++)
		if (*kinds == 's')
			sqlite3_bind_text(statement, at, va_arg(args, const char *), -1,
				SQLITE_STATIC);
		else
			sqlite3_bind_int64(statement, at, va_arg(args, int64_t));
	va_end(args);
	code = sqlite3_step(statement);
	store->has_row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE || fail(store, err);
}

/* Gives ok: that of step(). After a wait in vain the next calls do not wait, until a
 * write succeeds: each wait blocks the loop. */
static bool finish(struct store *store, enum query query, bool ok)
{
	sqlite3_reset(store->statements[query]);
	sqlite3_clear_bindings(store->statements[query]);
	if (!sqlite3_stmt_readonly(store->statements[query]))
		sqlite3_busy_timeout(store->db, ok ? store->busy_ms : 0);
	return ok;
}

/* The same, with the first column of the row to free(); NULL: no row. */
static bool finish_text(struct store *store, enum query query, bool ok, char **text)
{
	sqlite3_stmt *statement = store->statements[query];

	if (ok)
		*text = !store->has_row
			? NULL
			: mem_text((const char *)sqlite3_column_text(statement, 0));
	return finish(store, query, ok);
}

static int64_t column(struct store *store, enum query query, int at)
{
	return sqlite3_column_int64(store->statements[query], at);
}

bool store_find_session(struct store *store, const char *room, const char *bot,
	char **id, struct err *err)
{
	return finish_text(store, FIND_SESSION,
		step(store, FIND_SESSION, err, "ss", room, bot), id);
}

bool store_save_session(struct store *store, const char *room, const char *bot,
	const char *id, bool interrupted, struct err *err)
{
	return finish(store, SAVE_SESSION,
		step(store, SAVE_SESSION, err, "sssi", room, bot, id,
			(int64_t)interrupted));
}

bool store_forget_session(struct store *store, const char *room, const char *bot,
	const char *id, struct err *err)
{
	return finish(store, FORGET_SESSION,
		step(store, FORGET_SESSION, err, "sss", room, bot, id));
}

bool store_count_sessions(
	struct store *store, struct store_census *census, struct err *err)
{
	bool ok = step(store, COUNT_SESSIONS, err, "");

	if (ok)
		*census = (struct store_census){
			.sessions = column(store, COUNT_SESSIONS, 0),
			.interrupted = column(store, COUNT_SESSIONS, 1),
		};
	return finish(store, COUNT_SESSIONS, ok);
}

bool store_find_tools(
	struct store *store, uint64_t fingerprint, char **list, struct err *err)
{
	return finish_text(store, FIND_TOOLS,
		step(store, FIND_TOOLS, err, "i", (int64_t)fingerprint), list);
}

bool store_save_tools(struct store *store, const char *server, uint64_t fingerprint,
	const char *list, struct err *err)
{
	return finish(store, SAVE_TOOLS,
		step(store, SAVE_TOOLS, err, "sis", server, (int64_t)fingerprint,
			list));
}

bool store_find_thing(struct store *store, const char *name, char **id, struct err *err)
{
	return finish_text(
		store, FIND_THING, step(store, FIND_THING, err, "s", name), id);
}

bool store_save_thing(
	struct store *store, const char *name, const char *id, struct err *err)
{
	return finish(store, SAVE_THING, step(store, SAVE_THING, err, "ss", name, id));
}

bool store_find_stop(
	struct store *store, struct stop_stats *stop, bool *known, struct err *err)
{
	bool ok = step(store, FIND_STOP, err, "");

	if (ok)
		*known = store->has_row;
	if (ok && store->has_row)
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
	return finish(store, FIND_STOP, ok);
}

bool store_save_stop(
	struct store *store, const struct stop_stats *stop, struct err *err)
{
	return finish(store, SAVE_STOP,
		step(store, SAVE_STOP, err, "iiiiiiii", stop->took_ns, stop->sessions,
			stop->failed, stop->killed, (int64_t)stop->unfinished,
			stop->eof, stop->term, stop->kill));
}

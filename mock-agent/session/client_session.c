#include "mock-agent/session/client_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"

/* A session that a connection has carried; the list is the connection's data. */
struct client_link {
	struct client_session *session; /* held */
	struct client_link *next;
};

const char *client_named_by_name(enum client_named_by by)
{
	static const char *const names[] = {
		[CLIENT_BY_PATH] = "path",
		[CLIENT_BY_HEADER] = "header",
		[CLIENT_BY_CLI] = "cli",
		[CLIENT_BY_USER] = "user",
		[CLIENT_BY_CONNECTION] = "connection",
	};

	return names[by];
}

/* Its life */

void client_session_release(struct client_session *session)
{
	if (!session || --session->holds > 0)
		return;
	client_turns_done(&session->turns);
	free(session);
}

static void drop(struct client_session *session)
{
	HASH_DEL(session->all->by_key, session);
	client_session_release(session);
}

/* What the harness or the service made up to be read again; everything else is a
 * number. */
static bool is_label(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
	size_t len = strlen(name);

	return len > 0 && len < FAULT_SCHEDULE_LABEL_SIZE &&
		name[strspn(name, allowed)] == '\0';
}

static void name_by_number(struct client_session *session, const char *name)
{
	struct client_sessions *all = session->all;
	bool shown = session->by <= CLIENT_BY_HEADER && is_label(name);
	int64_t number = session_numbers_take_named(all->numbers, shown ? name : NULL);

	session_numbers_keep(all->numbers, number);
	session->schedule = fault_schedules_get(all->schedules, number);
	if (shown)
		fault_schedule_set_label(session->schedule, name);
	snprintf(session->label, sizeof session->label, "%s", session->schedule->label);
	snprintf(session->id, sizeof session->id, "client_%016" PRIx64, session->key);
}

static void name_by_connection(struct client_session *session)
{
	struct client_sessions *all = session->all;

	session->schedule = fault_schedules_get(all->schedules, 0);
	snprintf(session->label, sizeof session->label, "connection-%u",
		all->connections);
	snprintf(session->id, sizeof session->id, "client_%u", all->connections);
}

static struct client_session *open_session(struct client_sessions *sessions,
	const struct client_origin *origin, enum client_named_by by, uint64_t key)
{
	struct client_session *session = mem_zeroed(sizeof *session);

	session->all = sessions;
	session->key = key;
	session->api = origin->api;
	session->by = by;
	session->holds = 1;
	if (by == CLIENT_BY_CONNECTION)
		name_by_connection(session);
	else
		name_by_number(session, origin->names[by]);
	HASH_ADD(hh, sessions->by_key, key, sizeof session->key, session);
	log_event("agent.session.opened", CLIENT_SESSION_LOG(session), "api",
		LOG_TEXT(session->api), "by", LOG_TEXT(client_named_by_name(by)), "cli",
		LOG_BOOL(origin->names[CLIENT_BY_CLI] != NULL));
	return session;
}

static bool has_room(struct client_sessions *sessions)
{
	if (HASH_COUNT(sessions->by_key) < CLIENT_SESSIONS_MAX)
		return true;
	if (!sessions->full)
		log_event("agent.sessions.full", "most", LOG_INT(CLIENT_SESSIONS_MAX));
	sessions->full = true;
	return false;
}

/* Its connections */

static struct client_session *session_of_connection(
	const struct web_connection *connection)
{
	const struct client_link *link = connection->data;

	while (link && link->session->by != CLIENT_BY_CONNECTION)
		link = link->next;
	return link && !link->session->forgotten ? link->session : NULL;
}

static void connect_to(
	struct client_session *session, struct web_connection *connection)
{
	struct client_link *link = connection->data;

	while (link && link->session != session)
		link = link->next;
	if (link)
		return;
	link = mem_zeroed(sizeof *link);
	link->session = session;
	link->next = connection->data;
	connection->data = link;
	session->holds++;
	session->connections++;
}

static void disconnect(struct client_session *session, uint16_t port)
{
	if (--session->connections > 0 || session->forgotten)
		return;
	log_event("agent.session.closed", CLIENT_SESSION_LOG(session), "port",
		LOG_INT(port));
	if (session->by == CLIENT_BY_CONNECTION)
		drop(session);
}

void client_sessions_disconnect(struct web_connection *connection)
{
	struct client_link *link, *next;

	for (link = connection->data; link; link = next) {
		next = link->next;
		disconnect(link->session, connection->port);
		client_session_release(link->session);
		free(link);
	}
	connection->data = NULL;
}

/* All of them */

static enum client_named_by named_by(const struct client_origin *origin)
{
	unsigned by = 0;

	while (by < CLIENT_BY_CONNECTION && (!origin->names[by] || !*origin->names[by]))
		by++;
	return (enum client_named_by)by;
}

/* The same name of two kinds is two sessions. */
static uint64_t key_of(const struct client_sessions *sessions,
	const struct client_origin *origin, enum client_named_by by)
{
	uint64_t kind = hash_bytes(HASH_BASIS, &by, sizeof by);

	return by == CLIENT_BY_CONNECTION
		? hash_bytes(kind, &sessions->connections, sizeof sessions->connections)
		: hash_text(kind, origin->names[by]);
}

/* NULL: there is none yet. */
static struct client_session *find_session(const struct client_sessions *sessions,
	const struct client_origin *origin, enum client_named_by by)
{
	struct client_session *session;
	uint64_t key;

	if (by == CLIENT_BY_CONNECTION)
		return session_of_connection(origin->connection);
	key = key_of(sessions, origin, by);
	HASH_FIND(hh, sessions->by_key, &key, sizeof key, session);
	return session;
}

struct client_session *client_sessions_take(
	struct client_sessions *sessions, const struct client_origin *origin)
{
	enum client_named_by by = named_by(origin);
	struct client_session *session = find_session(sessions, origin, by);

	if (!session && !has_room(sessions))
		return NULL;
	if (!session) {
		sessions->connections += by == CLIENT_BY_CONNECTION;
		session = open_session(
			sessions, origin, by, key_of(sessions, origin, by));
	} else if (session->connections == 0) {
		log_event("agent.session.resumed", CLIENT_SESSION_LOG(session));
	}
	connect_to(session, origin->connection);
	session->holds++;
	return session;
}

void client_sessions_clear(struct client_sessions *sessions)
{
	struct client_session *session, *next;

	HASH_ITER(hh, sessions->by_key, session, next) {
		session->forgotten = true;
		drop(session);
	}
	sessions->full = false;
}

char *client_session_of_user(const char *user_id)
{
	static const char before[] = "_session_";
	SCOPED(json_free) cJSON *user = json_parse(user_id, strlen(user_id));
	const char *id = json_text(user, "session_id"), *at;

	if (id)
		return mem_text(id);
	for (at = user_id; (at = strstr(at, before)); at += strlen(before))
		id = at + strlen(before);
	return mem_text(id ? id : user_id);
}

#include "mock-agent/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

#define NAMES_MAX 10000

struct name {
	int64_t label;
	UT_hash_handle hh;
	char text[];
};

struct sessions {
	struct session *by_id;
	struct name *names;
	int64_t last_label;
	int64_t last_number;
};

struct sessions *sessions_create(void)
{
	return mem_zeroed(sizeof(struct sessions));
}

void sessions_clear(struct sessions *sessions)
{
	struct session *session, *next;
	struct name *name, *next_name;

	HASH_ITER(hh, sessions->by_id, session, next) {
		session_forget(session);
		sessions_remove(sessions, session);
	}
	HASH_ITER(hh, sessions->names, name, next_name) {
		HASH_DEL(sessions->names, name);
		free(name);
	}
	sessions->last_label = sessions->last_number = 0;
}

void sessions_destroy(struct sessions *sessions)
{
	if (!sessions)
		return;
	sessions_clear(sessions);
	free(sessions);
}

/* "12" or 12; -1 for everything else. */
static int64_t read_label(const cJSON *room)
{
	const char *text = cJSON_GetStringValue(room);
	int64_t label;
	char *end;

	if (json_whole(room, &label))
		return label >= 0 ? label : -1;
	if (!text || text[strspn(text, "0123456789")] != '\0' || !*text)
		return -1;
	errno = 0;
	label = strtoll(text, &end, 10);
	return errno == 0 ? label : -1;
}

int64_t sessions_label(struct sessions *sessions, const cJSON *metadata)
{
	int64_t label = read_label(json_get(metadata, "room"));

	return label >= 0 ? label : ++sessions->last_label;
}

int64_t sessions_label_named(struct sessions *sessions, const char *name)
{
	size_t len = strlen(name);
	struct name *known;

	HASH_FIND(hh, sessions->names, name, len, known);
	if (known)
		return known->label;
	if (HASH_COUNT(sessions->names) >= NAMES_MAX)
		return 0;
	known = mem_zeroed(sizeof *known + len + 1);
	memcpy(known->text, name, len + 1);
	known->label = ++sessions->last_label;
	HASH_ADD_KEYPTR(hh, sessions->names, known->text, len, known);
	return known->label;
}

size_t sessions_count(const struct sessions *sessions)
{
	return HASH_COUNT(sessions->by_id);
}

void sessions_add(struct sessions *sessions, struct session *session)
{
	session->number = ++sessions->last_number;
	HASH_ADD_STR(sessions->by_id, id, session);
}

struct session *sessions_find(const struct sessions *sessions, const char *id)
{
	struct session *session;

	HASH_FIND_STR(sessions->by_id, id, session);
	return session;
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
	HASH_DEL(sessions->by_id, session);
	session_release(session);
}

struct session *sessions_next(
	const struct sessions *sessions, const struct session *after)
{
	return after ? after->hh.next : sessions->by_id;
}

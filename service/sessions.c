#include "service/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/metrics.h"
#include "service/service.h"

/* Closing sessions do not count for the limit, so that a new session need not wait for
 * their end; this bounds all of them together. */
#define CLOSING_FACTOR 2

/* How many are ordered to stop in one turn of the loop: the requests of the first have
 * left, and the agent API is at work on them, before the last is ordered. */
#define ORDERED_MOST 256

struct session_entry {
	struct sessions *sessions;
	struct session *session;
	char *key;
	int64_t used_ns;
	bool in_use; /* it had turns at its last change */
	UT_hash_handle hh;
};

/* The hash keeps the order of insertion: an entry that is removed and added again is
 * the newest. */
static void touch(struct session_entry *entry)
{
	struct sessions *sessions = entry->sessions;

	entry->used_ns = clock_now();
	HASH_DEL(sessions->entries, entry);
	HASH_ADD_KEYPTR(hh, sessions->entries, entry->key, strlen(entry->key), entry);
}

static void drop(struct session_entry *entry)
{
	HASH_DEL(entry->sessions->entries, entry);
	session_destroy(entry->session);
	free(entry->key);
	free(entry);
}

static bool is_idle(const struct session_entry *entry)
{
	const struct session *session = entry->session;

	return session->state == SESSION_HOT && turn_queue_count(&session->turns) == 0;
}

static void watch_idle(struct sessions *sessions)
{
	int64_t idle_ns = sessions->service->config.idle_ns;
	struct session_entry *entry;

	loop_timer_stop(sessions->idle);
	if (idle_ns == 0 || sessions->shut)
		return;
	for (entry = sessions->entries; entry; entry = entry->hh.next) {
		if (!is_idle(entry))
			continue;
		loop_timer_set(sessions->idle, entry->used_ns + idle_ns - clock_now());
		return;
	}
}

static void on_idle(void *arg)
{
	struct sessions *sessions = arg;
	int64_t until_ns = clock_now() - sessions->service->config.idle_ns;
	struct session_entry *entry, *next;

	HASH_ITER(hh, sessions->entries, entry, next) {
		if (entry->used_ns > until_ns)
			break;
		if (!is_idle(entry))
			continue;
		sessions->service->metrics.idle_closes++;
		session_close(entry->session);
	}
	watch_idle(sessions);
}

static void on_session_changed(void *arg, struct session *session)
{
	struct session_entry *entry = arg;
	struct sessions *sessions = entry->sessions;
	bool was_in_use = entry->in_use;

	entry->in_use = turn_queue_count(&session->turns) > 0;
	if ((entry->in_use || was_in_use) && !sessions->shut)
		touch(entry);
	if (is_idle(entry) && !loop_timer_is_set(sessions->idle))
		watch_idle(sessions);
	if (sessions->changed)
		sessions->changed(sessions->arg);
}

static void on_session_closed(void *arg, struct session *session)
{
	struct session_entry *entry = arg;
	struct sessions *sessions = entry->sessions;

	sessions->failed += session->failed;
	drop(entry);
	if (sessions->changed)
		sessions->changed(sessions->arg);
}

static const struct session_events session_events = {
	.changed = on_session_changed,
	.closed = on_session_closed,
};

struct sessions *sessions_create(struct service *service)
{
	struct sessions *sessions = mem_zeroed(sizeof *sessions);

	sessions->service = service;
	sessions->idle = loop_timer_create(&service->loop, on_idle, sessions);
	sessions->rest = mem_zeroed(sizeof *sessions->rest);
	uv_idle_init(&service->loop, sessions->rest);
	sessions->rest->data = sessions;
	return sessions;
}

/* Closing or closed, and no waiting turn will open it again. */
static bool is_leaving(const struct session_entry *entry)
{
	const struct session *session = entry->session;

	return session->state >= SESSION_CLOSING &&
		turn_queue_count(&session->turns) == 0;
}

/* Closes an idle session if need be. False: there is no room. */
static bool make_room(struct sessions *sessions)
{
	int64_t limit = sessions->service->config.session_limit;
	struct session_entry *entry;
	int64_t staying = 0;

	for (entry = sessions->entries; entry; entry = entry->hh.next)
		staying += !is_leaving(entry);
	if (staying < limit)
		return true;
	for (entry = sessions->entries; entry; entry = entry->hh.next) {
		if (!is_idle(entry))
			continue;
		sessions->service->metrics.evictions++;
		session_close(entry->session);
		return true;
	}
	return false;
}

/* entry: NULL for a new session, or the one that is to be opened again. */
static bool may_open(struct sessions *sessions, const struct session_entry *entry)
{
	int64_t limit = sessions->service->config.session_limit;

	if (HASH_COUNT(sessions->entries) < limit || (entry && !is_leaving(entry)))
		return true;
	if (!entry && HASH_COUNT(sessions->entries) >= limit * CLOSING_FACTOR)
		return false;
	return make_room(sessions);
}

static struct session_entry *add_entry(
	struct sessions *sessions, const char *room, const char *bot, char *key)
{
	struct session_entry *entry = mem_zeroed(sizeof *entry);

	entry->sessions = sessions;
	entry->key = key;
	entry->session =
		session_create(sessions->service, room, bot, &session_events, entry);
	HASH_ADD_KEYPTR(hh, sessions->entries, key, strlen(key), entry);
	return entry;
}

enum sessions_answer sessions_say(struct sessions *sessions, const char *room,
	const char *bot, const char *text, turn_done_fn *done, void *arg,
	struct turn **turn)
{
	struct session_entry *entry;
	struct turn *said;
	char *key;

	if (sessions->shut)
		return SESSIONS_CLOSING;
	/* A bot's name has no '/'. */
	key = mem_textf("%s/%s", bot, room);
	HASH_FIND_STR(sessions->entries, key, entry);
	if (!may_open(sessions, entry)) {
		free(key);
		return SESSIONS_FULL;
	}
	if (!entry)
		entry = add_entry(sessions, room, bot, key);
	else
		free(key);
	said = session_say(entry->session, text, done, arg);
	if (!said)
		return SESSIONS_BUSY;
	touch(entry);
	*turn = said;
	return SESSIONS_TAKEN;
}

unsigned sessions_count(const struct sessions *sessions)
{
	return HASH_COUNT(sessions->entries);
}

unsigned sessions_turns(const struct sessions *sessions)
{
	const struct session_entry *entry;
	unsigned turns = 0;

	for (entry = sessions->entries; entry; entry = entry->hh.next)
		turns += turn_queue_count(&entry->session->turns);
	return turns;
}

void sessions_each(const struct sessions *sessions, sessions_each_fn *each, void *arg)
{
	const struct session_entry *entry;
	int64_t now_ns = clock_now();

	for (entry = sessions->entries; entry; entry = entry->hh.next)
		each(arg, entry->session, now_ns - entry->used_ns);
}

static void order_some(struct sessions *sessions)
{
	unsigned count = sessions->ordered, news = 0;
	struct session_entry *entry;

	for (entry = sessions->entries; entry && count > 0; entry = entry->hh.next) {
		if (news == ORDERED_MOST)
			return; /* on_rest() goes on */
		news += session_stop(entry->session, &sessions->order);
		count--;
	}
	uv_idle_stop(sessions->rest);
}

static void on_rest(uv_idle_t *rest)
{
	order_some(rest->data);
}

void sessions_stop(
	struct sessions *sessions, const struct stop_order *order, unsigned count)
{
	sessions->shut = true;
	loop_timer_stop(sessions->idle);
	sessions->order = *order;
	sessions->ordered = count;
	uv_idle_start(sessions->rest, on_rest);
	order_some(sessions);
}

static void on_rest_closed(uv_handle_t *rest)
{
	free(rest);
}

void sessions_destroy(struct sessions *sessions)
{
	struct session_entry *entry, *next;

	if (!sessions)
		return;
	HASH_ITER(hh, sessions->entries, entry, next)
		drop(entry);
	loop_timer_destroy(sessions->idle);
	uv_close((uv_handle_t *)sessions->rest, on_rest_closed);
	free(sessions);
}

#include "service/cabinet.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/means.h"
#include "service/metrics.h"

/* Those that are being closed do not count for the limit, so that a new session need
 * not wait for the end of an old one; but there is an end to that too. */
#define CLOSING_FACTOR 2

struct drawer {
	struct cabinet *cabinet;
	struct session *session;
	char *key;
	int64_t used_ns;
	bool in_use; /* it had turns when it last changed */
	UT_hash_handle hh;
};

struct cabinet {
	const struct means *means;
	cabinet_changed_fn *changed;
	void *arg;
	struct drawer *drawers; /* the least recently used first */
	unsigned failed;
	bool shut;
	uv_timer_t idle; /* when the first may have been idle for too long */
};

/* The hash keeps the order of insertion: what is taken out and put back is the newest.
 */
static void touch(struct drawer *drawer)
{
	struct cabinet *cabinet = drawer->cabinet;

	drawer->used_ns = clock_now();
	HASH_DEL(cabinet->drawers, drawer);
	HASH_ADD_KEYPTR(hh, cabinet->drawers, drawer->key, strlen(drawer->key), drawer);
}

static void drop(struct drawer *drawer)
{
	HASH_DEL(drawer->cabinet->drawers, drawer);
	session_destroy(drawer->session);
	free(drawer->key);
	free(drawer);
}

static bool is_idle(const struct drawer *drawer)
{
	return session_state(drawer->session) == SESSION_HOT &&
		session_turns(drawer->session) == 0;
}

static void on_idle(uv_timer_t *timer);

static void watch_idle(struct cabinet *cabinet)
{
	int64_t idle_ns = cabinet->means->config->idle_ns;
	struct drawer *drawer;

	uv_timer_stop(&cabinet->idle);
	if (idle_ns == 0 || cabinet->shut)
		return;
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next) {
		if (!is_idle(drawer))
			continue;
		uv_timer_start(&cabinet->idle, on_idle,
			clock_ms_up(drawer->used_ns + idle_ns - clock_now()), 0);
		return;
	}
}

static void on_idle(uv_timer_t *timer)
{
	struct cabinet *cabinet = timer->data;
	int64_t until_ns = clock_now() - cabinet->means->config->idle_ns;
	struct drawer *drawer, *next;

	HASH_ITER(hh, cabinet->drawers, drawer, next) {
		if (drawer->used_ns > until_ns)
			break;
		if (!is_idle(drawer))
			continue;
		cabinet->means->metrics->idle_closes++;
		session_close(drawer->session);
	}
	watch_idle(cabinet);
}

/* On the way down the order stays. */
static void on_session_changed(void *arg, struct session *session)
{
	struct drawer *drawer = arg;
	struct cabinet *cabinet = drawer->cabinet;
	bool was_in_use = drawer->in_use;

	drawer->in_use = session_turns(session) > 0;
	if ((drawer->in_use || was_in_use) && !cabinet->shut)
		touch(drawer);
	if (is_idle(drawer) && !uv_is_active((uv_handle_t *)&cabinet->idle))
		watch_idle(cabinet);
	if (cabinet->changed)
		cabinet->changed(cabinet->arg);
}

static void on_session_closed(void *arg, struct session *session, bool failed)
{
	struct drawer *drawer = arg;
	struct cabinet *cabinet = drawer->cabinet;

	(void)session;
	cabinet->failed += failed;
	drop(drawer);
	if (cabinet->changed)
		cabinet->changed(cabinet->arg);
}

static const struct session_events session_events = {
	.changed = on_session_changed,
	.closed = on_session_closed,
};

struct cabinet *cabinet_create(const struct means *means)
{
	struct cabinet *cabinet = mem_zeroed(sizeof *cabinet);

	cabinet->means = means;
	uv_timer_init(means->loop, &cabinet->idle);
	cabinet->idle.data = cabinet;
	return cabinet;
}

void cabinet_watch(struct cabinet *cabinet, cabinet_changed_fn *changed, void *arg)
{
	cabinet->changed = changed;
	cabinet->arg = arg;
}

/* It holds nothing, or soon will not: unless somebody has spoken to it meanwhile, for
 * then it is opened again. */
static bool is_leaving(const struct drawer *drawer)
{
	switch (session_state(drawer->session)) {
	case SESSION_CLOSING:
	case SESSION_CLOSED:
		return session_turns(drawer->session) == 0;
	case SESSION_COLD:
	case SESSION_CONNECTING:
	case SESSION_HOT:
	case SESSION_BUSY:
		return false;
	}
	return false;
}

/* True when there is room for one more, made where need be. */
static bool make_room(struct cabinet *cabinet)
{
	int64_t limit = cabinet->means->config->session_limit;
	struct drawer *drawer;
	int64_t staying = 0;

	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		staying += !is_leaving(drawer);
	if (staying < limit)
		return true;
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next) {
		if (!is_idle(drawer))
			continue;
		cabinet->means->metrics->evictions++;
		session_close(drawer->session);
		return true;
	}
	return false;
}

/* A new one, or one that comes back while it is being closed. */
static bool may_open(struct cabinet *cabinet, const struct drawer *drawer)
{
	int64_t limit = cabinet->means->config->session_limit;

	if (HASH_COUNT(cabinet->drawers) < limit || (drawer && !is_leaving(drawer)))
		return true;
	if (!drawer && HASH_COUNT(cabinet->drawers) >= limit * CLOSING_FACTOR)
		return false;
	return make_room(cabinet);
}

static struct drawer *open_drawer(
	struct cabinet *cabinet, const char *room, const char *bot, char *key)
{
	struct drawer *drawer = mem_zeroed(sizeof *drawer);

	drawer->cabinet = cabinet;
	drawer->key = key;
	drawer->session =
		session_create(cabinet->means, room, bot, &session_events, drawer);
	HASH_ADD_KEYPTR(hh, cabinet->drawers, key, strlen(key), drawer);
	return drawer;
}

enum cabinet_answer cabinet_say(struct cabinet *cabinet, const char *room,
	const char *bot, const char *text, turn_done_fn *done, void *arg,
	struct turn **turn)
{
	struct drawer *drawer;
	struct turn *said;
	char *key;

	if (cabinet->shut)
		return CABINET_CLOSING;
	/* A bot's name has no '/'. */
	key = mem_textf("%s/%s", bot, room);
	HASH_FIND_STR(cabinet->drawers, key, drawer);
	if (!may_open(cabinet, drawer)) {
		free(key);
		return CABINET_FULL;
	}
	if (!drawer)
		drawer = open_drawer(cabinet, room, bot, key);
	else
		free(key);
	said = session_say(drawer->session, text, done, arg);
	if (!said)
		return CABINET_BUSY;
	touch(drawer);
	*turn = said;
	return CABINET_TAKEN;
}

unsigned cabinet_count(const struct cabinet *cabinet)
{
	return HASH_COUNT(cabinet->drawers);
}

unsigned cabinet_turns(const struct cabinet *cabinet)
{
	const struct drawer *drawer;
	unsigned turns = 0;

	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		turns += session_turns(drawer->session);
	return turns;
}

unsigned cabinet_failed(const struct cabinet *cabinet)
{
	return cabinet->failed;
}

void cabinet_each(const struct cabinet *cabinet, cabinet_each_fn *each, void *arg)
{
	const struct drawer *drawer;
	int64_t now_ns = clock_now();

	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		each(arg, drawer->session, now_ns - drawer->used_ns);
}

void cabinet_shut(struct cabinet *cabinet)
{
	cabinet->shut = true;
	uv_timer_stop(&cabinet->idle);
}

void cabinet_finish(struct cabinet *cabinet, int64_t deadline_ns)
{
	struct drawer *drawer;

	cabinet_shut(cabinet);
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		session_finish(drawer->session, deadline_ns);
}

void cabinet_finish_first(struct cabinet *cabinet, bool interrupt)
{
	cabinet_shut(cabinet);
	if (!cabinet->drawers)
		return;
	if (interrupt)
		session_interrupt(cabinet->drawers->session, 0);
	else
		session_finish(cabinet->drawers->session, 0);
}

void cabinet_interrupt(struct cabinet *cabinet, int64_t deadline_ns)
{
	struct drawer *drawer;

	cabinet_shut(cabinet);
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		session_interrupt(drawer->session, deadline_ns);
}

void cabinet_abandon(struct cabinet *cabinet)
{
	struct drawer *drawer;

	cabinet_shut(cabinet);
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		session_abandon(drawer->session);
}

void cabinet_give_up(struct cabinet *cabinet, const char *why)
{
	struct drawer *drawer;

	cabinet_shut(cabinet);
	for (drawer = cabinet->drawers; drawer; drawer = drawer->hh.next)
		session_give_up(drawer->session, why);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void cabinet_destroy(struct cabinet *cabinet)
{
	struct drawer *drawer, *next;

	if (!cabinet)
		return;
	HASH_ITER(hh, cabinet->drawers, drawer, next)
		drop(drawer);
	uv_close((uv_handle_t *)&cabinet->idle, on_closed);
}

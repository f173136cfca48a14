#include "harness/witness/watch.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/strlist.h"

#define LIST_EVERY_NS (30 * CLOCK_S)
#define BACK_EVERY_NS (1 * CLOCK_S) /* is the engine back? */
#define STARTED_MAX   4096          /* past so many, the next listing finds them */

struct member {
	struct watched_stop *watched;
	struct member *prev, *next;
};

struct watch {
	struct watch_options options;
	struct member *members;
	unsigned count;
	struct strlist started; /* to be attached to */
	struct loop_timer *timer;
	bool list_due;
	bool away; /* the engine tells of no starts */
	bool told_away;
};

/* --- who is there --- */

/* One that has ended may run again by now. */
static bool has(const struct watch *watch, const char *id)
{
	const struct member *member;

	DL_FOREACH(watch->members, member) {
		if (strcmp(watched_stop_id(member->watched), id) == 0 &&
			!watched_stop_has_ended(member->watched))
			return true;
	}
	return false;
}

static void drop(struct watch *watch, struct member *member)
{
	DL_DELETE(watch->members, member);
	watch->count--;
	watched_stop_destroy(member->watched);
	free(member);
}

static void add(struct watch *watch, struct watched_stop *watched)
{
	struct member *member = mem_zeroed(sizeof *member);

	member->watched = watched;
	DL_APPEND(watch->members, member);
	watch->count++;
	if (watch->options.watching)
		watch->options.watching(watch->options.arg, watched);
}

static void miss(struct watch *watch, const char *id, const struct subject_about *about)
{
	if (watch->options.missed)
		watch->options.missed(watch->options.arg, id, about);
}

/* `told`: the engine told that it started. */
static void attach(struct watch *watch, const char *id, bool told)
{
	struct watched_stop *watched;
	struct err gone;

	if (has(watch, id))
		return;
	watched = watched_stop_create(
		watch->options.loop, watch->options.engine, id, &gone);
	if (watched && !watched_stop_is_missed(watched)) {
		add(watch, watched);
		return;
	}
	if (told)
		miss(watch, id, watched ? watched_stop_about(watched) : NULL);
	watched_stop_destroy(watched);
}

/* --- all that run --- */

static void on_started(void *arg, const char *id)
{
	struct watch *watch = arg;

	if (id && watch->started.count < STARTED_MAX)
		strlist_add(&watch->started, "%s", id);
	if (id)
		return;
	watch->away = true;
	loop_timer_set(watch->timer, BACK_EVERY_NS);
}

static void on_timer(void *arg)
{
	((struct watch *)arg)->list_due = true;
}

/* The engine's events of what is watched have ended with its events of starts. */
static void drop_idle(struct watch *watch)
{
	struct member *member, *next;

	DL_FOREACH_SAFE(watch->members, member, next) {
		if (watched_stop_is_idle(member->watched))
			drop(watch, member);
	}
}

static bool await_starts(struct watch *watch, struct err *err)
{
	return engine_watch_starts(
		watch->options.engine, watch->options.label, on_started, watch, err);
}

static cJSON *list(struct watch *watch, struct err *err)
{
	return engine_containers(watch->options.engine, watch->options.label, err);
}

static void attach_listed(struct watch *watch, const cJSON *listed)
{
	const cJSON *container;

	cJSON_ArrayForEach(container, listed) {
		const char *id = json_text(container, "Id");
		const char *state = json_text(container, "State");

		if (id && state &&
			(strcmp(state, "running") == 0 || strcmp(state, "paused") == 0))
			attach(watch, id, false);
	}
}

/* The engine answers, and everything is as it was. */
static bool come_back(struct watch *watch, struct err *err)
{
	if (!await_starts(watch, err))
		return false;
	drop_idle(watch);
	/* Some may have started before it listened. */
	watch->list_due = true;
	return true;
}

static void list_again(struct watch *watch)
{
	struct err err;
	SCOPED(json_free) cJSON *listed = list(watch, &err);
	bool is_here;

	watch->list_due = false;
	is_here = listed && (!watch->away || come_back(watch, &err));
	watch->away = !is_here;
	loop_timer_set(watch->timer, is_here ? LIST_EVERY_NS : BACK_EVERY_NS);
	if (is_here)
		attach_listed(watch, listed);
	if (is_here != watch->told_away)
		return;
	watch->told_away = !is_here;
	if (watch->options.away)
		watch->options.away(watch->options.arg, is_here ? NULL : &err);
}

/* --- what is due --- */

static void judge_all(struct watch *watch)
{
	struct member *member, *next;

	DL_FOREACH_SAFE(watch->members, member, next) {
		const struct stop_report *report;

		if (!watched_stop_is_over(member->watched))
			continue;
		report = watched_stop_report(member->watched);
		if (watch->options.stopped)
			watch->options.stopped(
				watch->options.arg, member->watched, report);
		drop(watch, member);
	}
}

static void attach_all(struct watch *watch)
{
	struct strlist started = watch->started;

	watch->started = (struct strlist){0};
	for (unsigned i = 0; i < started.count; i++) {
		attach(watch, started.item[i], true);
		judge_all(watch);
	}
	strlist_done(&started);
}

void watch_work(struct watch *watch)
{
	judge_all(watch);
	attach_all(watch);
	if (watch->list_due)
		list_again(watch);
}

struct watch *watch_create(const struct watch_options *options, struct err *err)
{
	struct watch *watch = mem_zeroed(sizeof *watch);
	SCOPED(json_free) cJSON *listed = NULL;

	watch->options = *options;
	watch->timer = loop_timer_create(options->loop, on_timer, watch);
	loop_timer_set(watch->timer, LIST_EVERY_NS);
	listed = await_starts(watch, err) ? list(watch, err) : NULL;
	if (listed) {
		attach_listed(watch, listed);
		return watch;
	}
	watch_destroy(watch);
	return NULL;
}

void watch_destroy(struct watch *watch)
{
	struct member *member, *next;

	if (!watch)
		return;
	DL_FOREACH_SAFE(watch->members, member, next)
		drop(watch, member);
	strlist_done(&watch->started);
	loop_timer_destroy(watch->timer);
	free(watch);
}

unsigned watch_count(const struct watch *watch)
{
	return watch->count;
}

const struct watched_stop *watch_next(
	const struct watch *watch, const struct watched_stop *watched)
{
	const struct member *member = watch->members;

	if (watched) {
		while (member->watched != watched)
			member = member->next;
		member = member->next;
	}
	return member ? member->watched : NULL;
}

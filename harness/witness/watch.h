/*
 * watch - the containers of one engine, as they come and go: each is attached to when it
 * starts, and told of when it has ended.
 *
 * The engine tells of starts. Every 30 s, and when the engine has come back after a
 * restart of its own, all that run are listed, so that none is missed for long.
 */
#ifndef HARNESS_WITNESS_WATCH_H
#define HARNESS_WITNESS_WATCH_H

#include <stdbool.h>
#include <uv.h>

#include "harness/witness/watched_stop.h"
#include "lib/err.h"

struct watch;

struct watch_options {
	uv_loop_t *loop;
	struct engine *engine;
	const char *label; /* "NAME=VALUE" or "NAME"; NULL: all containers */
	/* All may be NULL, and come from watch_work(). Borrowed. */
	void (*watching)(void *arg, const struct watched_stop *watched);
	void (*stopped)(void *arg, const struct watched_stop *watched,
		const struct stop_report *report);
	/* It had ended before it was attached to; about is NULL where it is gone. */
	void (*missed)(void *arg, const char *id, const struct subject_about *about);
	/* The engine is away, or is back again (NULL). */
	void (*away)(void *arg, const struct err *why);
	void *arg;
};

/* Attaches to all that run. Copies options, keeps what they point to; turns the loop. */
struct watch *watch_create(
	const struct watch_options *options, struct err *err) MUST_CHECK;
void watch_destroy(struct watch *watch); /* accepts NULL */

/* Attaches to what has started and judges what has ended since. To be called between turns
 * of the loop; turns it itself. */
void watch_work(struct watch *watch);

unsigned watch_count(const struct watch *watch);
/* NULL behind the last one. Borrowed until watch_work(). */
const struct watched_stop *watch_next(
	const struct watch *watch, const struct watched_stop *watched);

#endif

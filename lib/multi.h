/*
 * multi - curl's multi handle, a guest of libuv's loop.
 *
 * Watches curl's sockets and keeps its timer. After everything that curl did, whoever
 * came to an end is handed over, and then the owner has its turn; curl is on the stack
 * in neither.
 */
#ifndef LIB_MULTI_H
#define LIB_MULTI_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct multi;

struct multi_events {
	/* A transfer ended and was taken out. Must not destroy the multi. */
	void (*over)(void *arg, CURL *easy, CURLcode code);
	/* Curl has had its turn: anything may be done now. `dead` is NULL, or says why
	 * nothing will ever move again in this multi. */
	void (*turned)(void *arg, const char *dead);
};

/* Keeps loop. `connections` (at least 1) bounds the pool of idle ones. */
struct multi *multi_create(uv_loop_t *loop, unsigned connections,
	const struct multi_events *events, void *arg, struct err *err) MUST_CHECK;

/* The easy handle stays its owner's. Its transfer begins in the loop's next turn. */
bool multi_add(struct multi *multi, CURL *easy, struct err *err) MUST_CHECK;
void multi_remove(struct multi *multi, CURL *easy);

/* Closes the pool; every transfer must have been taken out. The loop must turn once
 * more for the handles. Accepts NULL. */
void multi_destroy(struct multi *multi);

#endif

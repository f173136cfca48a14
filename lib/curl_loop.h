/*
 * curl_loop - curl's multi handle on libuv's loop.
 *
 * Watches curl's sockets and keeps its timer. After each action of curl, `over` is called
 * for every transfer that ended, and then `turned`; curl is not on the stack in either.
 */
#ifndef LIB_CURL_LOOP_H
#define LIB_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct curl_loop;

struct curl_loop_events {
	/* A transfer ended and was removed. Must not destroy the curl_loop. */
	void (*over)(void *arg, CURL *easy, CURLcode code);
	/* Curl has acted; every call is allowed, destroy included. `dead` is NULL, or
	 * says why no transfer will go on any more. */
	void (*turned)(void *arg, const char *dead);
};

/* Keeps loop. `connections` (at least 1) bounds the pool of idle ones. */
struct curl_loop *curl_loop_create(uv_loop_t *loop, unsigned connections,
	const struct curl_loop_events *events, void *arg, struct err *err) MUST_CHECK;

/* Keeps the easy handle. The transfer begins in the loop's next turn. */
bool curl_loop_add(struct curl_loop *multi, CURL *easy, struct err *err) MUST_CHECK;
void curl_loop_remove(struct curl_loop *multi, CURL *easy);

/* Closes the pool; every transfer must have been removed. The handles close in the next
 * turn of the loop. Accepts NULL. */
void curl_loop_destroy(struct curl_loop *multi);

#endif

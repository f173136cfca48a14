/*
 * curl_loop - curl's multi handle, a guest of libuv's loop.
 *
 * Watches curl's sockets and keeps its timer. After everything that curl did, whoever
 * came to an end is handed over, and then the owner has its turn; curl is on the stack
 * in neither.
 */
#ifndef LIB_CURL_LOOP_H
#define LIB_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct curl_loop;

struct curl_loop_events {
	/* A transfer ended and was taken out. Must not destroy the multi. */
	void (*over)(void *arg, CURL *easy, CURLcode code);
	/* Curl has had its turn: anything may be done now. `dead` is NULL, or says why
	 * nothing will ever move again in this multi. */
	void (*turned)(void *arg, const char *dead);
};

/* Keeps loop. `connections` (at least 1) bounds the pool of idle ones. */
struct curl_loop *curl_loop_create(uv_loop_t *loop, unsigned connections,
	const struct curl_loop_events *events, void *arg, struct err *err) MUST_CHECK;

/* The easy handle stays its owner's. Its transfer begins in the loop's next turn. */
bool curl_loop_add(struct curl_loop *multi, CURL *easy, struct err *err) MUST_CHECK;
void curl_loop_remove(struct curl_loop *multi, CURL *easy);

/* Closes the pool; every transfer must have been taken out. The loop must turn once
 * more for the handles. Accepts NULL. */
void curl_loop_destroy(struct curl_loop *multi);

#endif

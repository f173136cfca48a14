/*
 * agent_http - requests to the agent API: the base URL, the headers, the pools.
 *
 * A call is one short request with its answer read as JSON. What fails on the way
 * (connection, 429, 5xx) is tried again, twice at most, with growing pauses, always
 * within the call's deadline. Streams have a pool of their own, so that thousands of
 * them do not slow the short requests down. Reasons in words never hold the key, even
 * if the API repeats it.
 */
#ifndef SERVICE_AGENT_AGENT_HTTP_H
#define SERVICE_AGENT_AGENT_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fetch.h"

struct agent_http;
struct agent_http_call;

/* Keeps loop; copies url and key, which may be NULL. */
struct agent_http *agent_http_create(uv_loop_t *loop, const char *url, const char *key,
	unsigned connections, struct err *err) MUST_CHECK;
/* All calls and streams must be over. Accepts NULL. */
void agent_http_destroy(struct agent_http *wire);
uv_loop_t *agent_http_loop(const struct agent_http *wire);

/* A pause, made up to a quarter shorter, so that a thousand do not end at once. */
int64_t agent_http_spread(struct agent_http *wire, int64_t pause_ns);

/* What the API calls something, as a part of a path or query. */
void agent_http_escape(struct buf *url, const char *text);

/* "/v1/sessions/ID" with `rest` behind it; to free(). */
char *agent_http_path(const char *session_id, const char *rest) MUST_CHECK;
/* The same in another collection, such as "/v1/agents". */
char *agent_http_path_in(
	const char *collection, const char *id, const char *rest) MUST_CHECK;

struct agent_http_response {
	long status;       /* 0: none arrived */
	const cJSON *json; /* borrowed; NULL when there is none */
	const char *why;   /* NULL: 2xx, with JSON or without a body */
	bool unsure;       /* it failed, and may have been carried out all the same */
};
/* Once, from the loop, unless the call was cancelled. */
typedef void agent_http_done_fn(void *arg, const struct agent_http_response *answer);

/* When a request that failed may be sent again. */
enum agent_http_retry {
	AGENT_HTTP_RETRY_ALWAYS, /* always: it does no harm twice */
	AGENT_HTTP_RETRY_FAILED, /* when the API says that it failed, or never saw it */
	AGENT_HTTP_RETRY_UNSENT, /* when it was certainly not accepted: a 5xx may have been */
};

struct agent_http_request {
	const char *method;
	const char *path;
	cJSON *body;         /* taken; NULL: none */
	int64_t deadline_ns; /* CLOCK_MONOTONIC, 0: none */
	enum agent_http_retry repeat;
	agent_http_done_fn *done;
	void *arg;
};

/* Never fails here: what is wrong is told to `done`. */
struct agent_http_call *agent_http_start(
	struct agent_http *wire, const struct agent_http_request *request);
void agent_http_cancel(struct agent_http_call *call); /* accepts NULL */

/* The body of POST .../events, {"events":[event]}; takes event. And that of an
 * interrupt. */
cJSON *agent_http_events(cJSON *event) MUST_CHECK;
cJSON *agent_http_interrupt(void) MUST_CHECK;

/* GET as a stream, without a deadline. */
struct fetch_call *agent_http_stream(struct agent_http *wire, const char *path,
	fetch_data_fn *data, fetch_done_fn *done, void *arg,
	struct err *err) MUST_CHECK;

/* What a result that is no 2xx means, in words to free(). */
char *agent_http_words(
	const struct agent_http *wire, const struct fetch_result *result) MUST_CHECK;

#endif

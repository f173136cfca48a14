/*
 * agent_http - requests to the agent API: base URL, headers, connection pools, retries.
 *
 * A call is one short request whose response is read as JSON. A temporary failure (no
 * connection, HTTP 429 or 5xx) is retried, twice at most, after growing pauses and
 * within the call's deadline; a paced call that gets 429 as often as its deadline allows
 * (agent_pacer.h). Streams have a connection pool of their own, so that
 * thousands of them do not delay short requests. Error texts never contain the key,
 * even if the API repeats it.
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

/* Keeps loop; copies url and key. key NULL: no authorization header. connections: the
 * most warm connections of requests, and of streams, of HTTP/1.1; over HTTP/2 as many are
 * open as the API's limit of streams on one makes necessary. request_ns: see
 * agent_http_deadline(). */
struct agent_http *agent_http_create(uv_loop_t *loop, const char *url, const char *key,
	unsigned connections, bool http2, int64_t request_ns,
	struct err *err) MUST_CHECK;
/* From now on no call is paced. */
void agent_http_do_not_pace(struct agent_http *http);
/* All calls and streams must be over. Accepts NULL. */
void agent_http_destroy(struct agent_http *http);
uv_loop_t *agent_http_loop(const struct agent_http *http);

/* The usual deadline of a short request that starts now: CLOCK_MONOTONIC. */
int64_t agent_http_deadline(const struct agent_http *http);

/* The pause, up to a quarter shorter at random: a thousand pauses end one by one. */
int64_t agent_http_spread(struct agent_http *http, int64_t pause_ns);

/* Appends text, percent-encoded, to a path or query. */
void agent_http_escape(struct buf *url, const char *text);

struct agent_response {
	long status;       /* 0: none arrived */
	const cJSON *json; /* borrowed; NULL: the response has none, or was unread */
	const char *why;   /* NULL: 2xx, with JSON or an empty body */
	bool unsure; /* the request failed, and may have taken effect all the same */
};
/* Once, from the loop, unless the call was cancelled. Borrows response. */
typedef void agent_http_done_fn(void *arg, const struct agent_response *response);

/* Which failed requests may be sent again. */
enum agent_http_retry {
	AGENT_HTTP_RETRY_ALWAYS, /* every one: its effect is the same twice */
	AGENT_HTTP_RETRY_FAILED, /* the API reports the failure, or got no request */
	AGENT_HTTP_RETRY_UNSENT, /* certainly not accepted: a 5xx may have been */
};

struct agent_http_request {
	const char *method;
	const char *collection; /* NULL: "/v1/sessions" */
	const char *id;         /* of a member; NULL: the collection itself */
	const char *rest;       /* behind the id, such as "/events"; NULL: none */
	cJSON *body;            /* taken; NULL: none */
	int64_t deadline_ns;    /* CLOCK_MONOTONIC, 0: none */
	enum agent_http_retry retry;
	bool keep;   /* a connection that is opened for it stays for what follows */
	bool last;   /* nothing follows for this member: its connection is not kept */
	bool unread; /* the JSON of a success is not wanted, only that it is some */
	bool paced;  /* spread, with all that are, where the API limits their rate */
	agent_http_done_fn *done;
	void *arg;
};

/* Keeps the method; copies the rest. `done` reports every error. */
struct agent_http_call *agent_http_start(
	struct agent_http *http, const struct agent_http_request *request);
void agent_http_cancel(struct agent_http_call *call); /* accepts NULL */

/* Does a session's stored status say that a turn runs? status may be NULL. */
bool agent_http_is_running(const char *status);

/* Gives the body of POST .../events with an event "user.interrupt". */
cJSON *agent_http_interrupt(void) MUST_CHECK;

/* The event stream of a session, without a deadline. */
struct fetch_call *agent_http_stream(struct agent_http *http, const char *session_id,
	fetch_data_fn *data, fetch_done_fn *done, void *arg,
	struct err *err) MUST_CHECK;

/* Gives the error text of a result that is no 2xx, to free(). */
char *agent_http_error_text(
	const struct agent_http *http, const struct fetch_result *result) MUST_CHECK;

#endif

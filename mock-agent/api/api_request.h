/*
 * api_request - one HTTP request on its way through the mock.
 *
 * A route answers it at once, or lets it wait for a moment's latency; then its turn
 * comes, and with it perhaps the moment's fault (strike.h). It is freed when its exchange is over.
 */
#ifndef MOCK_AGENT_API_API_REQUEST_H
#define MOCK_AGENT_API_API_REQUEST_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/loop_timer.h"
#include "lib/web.h"
#include "mock-agent/api/api_format.h"
#include "mock-agent/mock.h"

struct resources;
struct api_session;
struct api_request;

typedef void api_request_fn(struct api_request *request);
/* Its exchange is over; the request is freed when this returns. */
typedef void api_request_over_fn(struct api_request *request, enum web_end end);

#define REQUEST_PARAMS 2
#define REQUEST_JSON   "application/json"
#define REQUEST_SSE    "text/event-stream; charset=utf-8"

/* What its answer is, if all goes well. */
enum response_kind {
	RESPONSE_SESSION, /* JSON of the session API */
	RESPONSE_EVENTS,  /* a session's events */
	RESPONSE_MESSAGE, /* JSON of the Messages API */
	RESPONSE_DELTAS,  /* a message as a stream */
};

struct api_request {
	struct mock *mock;
	struct web_exchange *exchange;
	char id[API_FORMAT_ID_SIZE]; /* its request-id */
	struct resources *resources; /* that its route is about, or NULL */
	enum phase ending;           /* PHASE_ARCHIVE or _DELETE, if it is one */
	char *param[REQUEST_PARAMS]; /* owned: the :names of its path */
	cJSON *body;                 /* owned; NULL: there was none */
	struct api_session *session; /* held, or NULL */
	enum response_kind response;

	struct injector *injector; /* whose moment it waits for; NULL before */
	struct injection injection;
	struct loop_timer *timer;
	api_request_fn *turn;
	api_request_over_fn *over; /* NULL: nobody is interested */
	int state;                 /* over's own */
	void *data;                /* over's own */
};

/* From the arrival of exchange, whose data it becomes. */
struct api_request *api_request_create(
	struct mock *mock, struct web_exchange *exchange);

/* To be called when its exchange is over. */
void api_request_end(struct api_request *request, enum web_end end);

/* Take body. */
void api_request_reply(struct api_request *request, unsigned status, cJSON *body);
void api_request_answer(struct api_request *request, cJSON *body); /* 200 */
void api_request_refuse(struct api_request *request, unsigned status,
	const char *format, ...) PRINTF(3, 4);

/* Remembers session, until the end. */
void api_request_hold(struct api_request *request, struct api_session *session);

/* Draws the moment's act. */
void api_request_draw(
	struct api_request *request, struct injector *injector, enum phase phase);

/* Calls `turn` after the act's latency, in a later turn of the loop, unless the client
 * leaves before that. There it looks at act.fault. */
void api_request_delay(struct api_request *request, api_request_fn *turn);

/* Both. */
void api_request_wait(struct api_request *request, struct injector *injector,
	enum phase phase, api_request_fn *turn);

#endif

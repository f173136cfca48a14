/*
 * request - one HTTP request on its way through the mock.
 *
 * A route answers it at once, or lets it wait for a moment's latency; then its turn
 * comes, and with it perhaps the moment's fault (strike.h). It is freed when its exchange is over.
 */
#ifndef MOCK_AGENT_REQUEST_H
#define MOCK_AGENT_REQUEST_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/web.h"
#include "mock-agent/bell.h"
#include "mock-agent/mock.h"
#include "mock-agent/wire.h"

struct catalog;
struct session;
struct request;

typedef void request_fn(struct request *request);
/* Its exchange is over; the request is freed when this returns. */
typedef void request_over_fn(struct request *request, enum web_end end);

#define REQUEST_PARAMS 2
#define REQUEST_JSON   "application/json"
#define REQUEST_SSE    "text/event-stream; charset=utf-8"

/* What its answer is, if all goes well. */
enum speech {
	SPEECH_SESSION, /* JSON of the session API */
	SPEECH_EVENTS,  /* a session's events */
	SPEECH_MESSAGE, /* JSON of the Messages API */
	SPEECH_DELTAS,  /* a message as a stream */
};

struct request {
	struct mock *mock;
	struct web_exchange *exchange;
	char id[WIRE_ID_SIZE];       /* its request-id */
	struct catalog *catalog;     /* that its route is about, or NULL */
	enum moment ending;          /* MOMENT_ARCHIVE or _DELETE, if it is one */
	char *param[REQUEST_PARAMS]; /* owned: the :names of its path */
	cJSON *body;                 /* owned; NULL: there was none */
	struct session *session;     /* held, or NULL */
	enum speech speech;

	struct mood *mood; /* whose moment it waits for; NULL before */
	struct act act;
	struct bell *bell;
	request_fn *turn;
	request_over_fn *over; /* NULL: nobody is interested */
	int state;             /* over's own */
	void *data;            /* over's own */
};

/* From the arrival of exchange, whose data it becomes. */
struct request *request_create(struct mock *mock, struct web_exchange *exchange);

/* To be called when its exchange is over. */
void request_end(struct request *request, enum web_end end);

/* Take body. */
void request_reply(struct request *request, unsigned status, cJSON *body);
void request_answer(struct request *request, cJSON *body); /* 200 */
void request_refuse(struct request *request, unsigned status, const char *format, ...)
	PRINTF(3, 4);

/* Remembers session, until the end. */
void request_hold(struct request *request, struct session *session);

/* Draws the moment's act. */
void request_draw(struct request *request, struct mood *mood, enum moment moment);

/* Calls `turn` after the act's latency, in a later turn of the loop, unless the client
 * leaves before that. There it looks at act.fault. */
void request_delay(struct request *request, request_fn *turn);

/* Both. */
void request_wait(struct request *request, struct mood *mood, enum moment moment,
	request_fn *turn);

#endif

/*
 * api_request - one HTTP request in progress.
 *
 * A route responds at once, or draws the injection of a phase and continues after its
 * latency. The request is freed when its exchange is over.
 */
#ifndef MOCK_AGENT_API_API_REQUEST_H
#define MOCK_AGENT_API_API_REQUEST_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/loop_timer.h"
#include "lib/web.h"
#include "mock-agent/api_format.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/mock.h"

typedef void api_request_fn(struct api_request *request);
/* The exchange is over; the request is freed when this returns. */
typedef void api_request_over_fn(struct api_request *request, enum web_end end);

#define REQUEST_PARAMS 2

struct api_request {
	struct mock *mock;
	struct web_exchange *exchange;
	char id[API_FORMAT_ID_SIZE];      /* the header request-id */
	const struct response_form *form; /* of its response */

	/* Set by the router: */
	char *room; /* owned: NAME of a path that begins with /room/NAME; NULL */
	char *param[REQUEST_PARAMS]; /* owned: the :names of the route's path */
	cJSON *body;                 /* owned; NULL: none */
	struct resources *resources; /* of the route, or NULL */
	struct api_session *session; /* held until the request ends, or NULL */
	const char *session_id;      /* of a client's session; borrowed; or NULL */

	struct fault_schedule *schedule; /* NULL before api_request_draw() */
	struct injection injection;
	struct loop_timer *timer;
	api_request_fn *resume;

	/* Of the route: */
	api_request_over_fn *over;       /* NULL: none */
	enum phase ending;               /* PHASE_ARCHIVE or PHASE_DELETE */
	struct api_request *prev, *next; /* in mock->ending_queue; NULL: not there */
	int state;
	void *data;
};

/* Becomes the data of exchange. */
struct api_request *api_request_create(
	struct mock *mock, struct web_exchange *exchange);
void api_request_end(struct api_request *request, enum web_end end); /* frees it */

/* Take body. */
void api_request_reply(struct api_request *request, unsigned status, cJSON *body);
void api_request_answer(struct api_request *request, cJSON *body); /* 200 */
/* 200, with JSON that was written as text. */
void api_request_answer_text(struct api_request *request, const struct buf *body);
void api_request_answer_session(
	struct api_request *request, const struct api_session *session);

/* Returns false, for functions that report whether the request goes on. */
bool api_request_refuse(struct api_request *request, unsigned status,
	const char *format, ...) PRINTF(3, 4);

/* Takes a token of the rate limit for the request and gives 0, or the time until there is
 * one: then it is to be refused, with 429 and that time. */
int64_t api_request_take_rate(
	struct api_request *request, enum rate_limited what) MUST_CHECK;
void api_request_refuse_rate(
	struct api_request *request, enum rate_limited what, int64_t wait_ns);

/* What the client calls its session in the header X-Session; NULL. Borrowed. */
const char *api_request_session_name(const struct api_request *request);

void api_request_draw(
	struct api_request *request, struct fault_schedule *schedule, enum phase phase);

/* Calls `resume` from the loop after the drawn latency, unless the client left. */
void api_request_delay(struct api_request *request, api_request_fn *resume);

/* Both. */
void api_request_wait(struct api_request *request, struct fault_schedule *schedule,
	enum phase phase, api_request_fn *resume);

/* Performs the drawn fault. True: the caller must not respond. That is so without a
 * fault too, if the session has been blackholed meanwhile. */
bool api_request_is_faulted(struct api_request *request);

/* The request's response, for fault_on_response(). Borrows from request. */
struct response api_request_response(const struct api_request *request);

#endif

/*
 * call - a request of the client that is in progress, and all that may be done about it.
 *
 * It ends with call_answer() or call_refuse(), which free it, or when the client cancels
 * it. A method that does neither before it returns has called call_wait() or call_ask(),
 * or lets the call last until it is cancelled.
 */
#ifndef MOCK_MCP_RPC_CALL_H
#define MOCK_MCP_RPC_CALL_H

#include "lib/loop_timer.h"
#include "mock-mcp/rpc/peer.h"

/* How long the client may take to answer call_ask(). */
#define CALL_REPLY_NS (60 * INT64_C(1000000000))

typedef void call_step_fn(struct call *call);
/* The client's answer, borrowed; `refused` is why there is none, else NULL. */
typedef void call_reply_fn(struct call *call, const cJSON *result, const char *refused);

/* Frees what a call listens to; see features/subscriptions.h. */
typedef void call_filter_done_fn(void *filter);

struct call {
	struct peer *peer;
	struct call *prev, *next;
	struct answer_group *group;
	char *id; /* as JSON: 5 and "5" differ */
	enum protocol_style style;
	unsigned capabilities; /* the client's, for this call */
	int log_level;
	char *progress_token;     /* as JSON; NULL: the client wants no progress */
	char *tool;               /* NULL: it is no tool call */
	char *held;               /* its parameters, while it waits; NULL: none */
	struct loop_timer *timer; /* NULL until it is needed */
	call_step_fn *step;
	unsigned steps;      /* for the method's use */
	const void *context; /* likewise */
	void *filter;        /* what it listens to; NULL: it is no listener */
	call_filter_done_fn *filter_done;
};

/* Borrows request. */
struct call *call_begin(struct peer *peer, struct answer_group *group,
	const struct jsonrpc_message *request, enum protocol_style style) MUST_CHECK;

/* Ends the call. Takes result, and adds what the style demands. */
void call_answer(struct call *call, cJSON *result);
/* The same for a result that clients may cache. */
void call_answer_cacheable(struct call *call, cJSON *result);
/* Ends the call with an error. Takes data; NULL: none. */
void call_refuse(
	struct call *call, enum jsonrpc_code code, const char *why, cJSON *data);
/* The client withdraws the call: there is no answer. */
void call_cancel(struct call *call);
/* Frees the call; nothing is sent or logged. */
void call_drop(struct call *call);

/* Send a notification about the call. Take params. Log messages below the client's
 * level, and progress that it did not ask for, are not sent. */
void call_notify(struct call *call, const char *method, cJSON *params);
void call_log(struct call *call, const char *level, const char *text);
void call_progress(struct call *call, double progress, double total);

/* Sends a request to the client, whose answer comes to `reply`. Takes params. */
void call_ask(
	struct call *call, const char *method, cJSON *params, call_reply_fn *reply);
bool call_can_ask(const struct call *call, enum protocol_capability capability);

/* Calls step from the loop, ns from now. */
void call_wait(struct call *call, int64_t ns, call_step_fn *step);
/* Holds the parameters until the call ends. False: peer's calls hold too much. */
bool call_hold_params(struct call *call, const cJSON *params) MUST_CHECK;
/* Ends the stream that carries the answer, so that the client comes back for it. */
void call_interrupt(struct call *call);

#endif

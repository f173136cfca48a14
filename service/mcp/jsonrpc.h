/*
 * jsonrpc - one conversation in MCP's JSON-RPC: a message a line.
 *
 * A request of ours ends with the answer that has its id, or fails at its deadline,
 * which notifications/cancelled reports to the server. A request of the server is
 * answered at once: ping with an empty result, every other with "Method not found". A
 * line that is no message is unexpected output; if it is a broken answer, its request
 * fails at once.
 */
#ifndef SERVICE_MCP_JSONRPC_H
#define SERVICE_MCP_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/child.h"
#include "lib/lines.h"

/* Once per request, from the loop. result is borrowed; NULL: the request failed for the
 * reason `why`, with the server's error code, or 0. */
struct jsonrpc_answer {
	const cJSON *result;
	const char *why;
	int64_t code;
};
typedef void jsonrpc_answer_fn(void *arg, const struct jsonrpc_answer *answer);

struct jsonrpc_events {
	/* A line that is no message; borrowed. */
	void (*unexpected_output)(void *arg, const char *line);
	/* A notification of the server's. */
	void (*notified)(void *arg, const char *method);
	void (*closed)(void *arg);
};

#define JSONRPC_METHOD_NOT_FOUND (-32601) /* an error code */

struct jsonrpc_call;

/* Embedded in its owner, which may be freed once `closed` was called. */
struct jsonrpc {
	struct child *child; /* the server; set by the owner before the first request */
	const struct jsonrpc_events *events;
	void *arg;
	int64_t last_id;
	struct jsonrpc_call *calls; /* oldest first */
	struct lines lines;
	char *ended; /* why no request can succeed any more */
	bool open;   /* requests may be sent, not only the handshake's */
	bool mute;   /* the server closed its stdout */
	bool closing;
	uv_timer_t timer; /* the next deadline, or failed requests to be reported */
};

/* Keeps loop and events. */
void jsonrpc_init(struct jsonrpc *rpc, uv_loop_t *loop,
	const struct jsonrpc_events *events, void *arg);

/* Requests under way fail from the loop, then `closed` is called. */
void jsonrpc_close(struct jsonrpc *rpc);

enum jsonrpc_when {
	JSONRPC_HANDSHAKE, /* now, and never cancelled */
	JSONRPC_OPEN,      /* after jsonrpc_open() */
};

/* deadline_ns is CLOCK_MONOTONIC. Takes params, which may be NULL. */
void jsonrpc_ask(struct jsonrpc *rpc, enum jsonrpc_when when, const char *method,
	cJSON *params, int64_t deadline_ns, jsonrpc_answer_fn *done, void *arg);

void jsonrpc_notify(struct jsonrpc *rpc, const char *method, cJSON *params);

/* After the handshake: sends the requests that waited for it. */
void jsonrpc_open(struct jsonrpc *rpc);

/* Output of the server; len 0: it closed its stdout. */
void jsonrpc_feed(struct jsonrpc *rpc, const char *data, size_t len);

/* No request succeeds any more: those under way fail, from the loop. `cancel` also
 * sends notifications/cancelled. The first reason stays. */
void jsonrpc_end(struct jsonrpc *rpc, const char *why, bool cancel);

/* Reports failed requests now, rather than in the loop's next turn. From the loop
 * only. */
void jsonrpc_report_failed(struct jsonrpc *rpc);

#endif

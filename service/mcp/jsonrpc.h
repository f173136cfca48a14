/*
 * jsonrpc - one conversation in MCP's JSON-RPC, over a transport.
 *
 * A request of ours ends with the answer that has its id, or fails at its deadline,
 * which notifications/cancelled reports to the server. A request of the server is
 * answered at once: ping with an empty result, every other with "Method not found". A
 * batch is its messages in turn. What is no message is unexpected output; if it is a
 * broken answer, its request fails at once.
 */
#ifndef SERVICE_MCP_JSONRPC_H
#define SERVICE_MCP_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "service/mcp/mcp_transport.h"

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
	struct mcp_transport *transport; /* set by the owner before the first request */
	const struct jsonrpc_events *events;
	void *arg;
	int64_t last_id;
	struct jsonrpc_call *calls; /* oldest first */
	char *ended;                /* why no request can succeed any more */
	bool open;                  /* requests may be sent, not only the handshake's */
	bool mute;                  /* nothing comes from the server any more */
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

/* The session has ended and a new handshake begins: requests wait for jsonrpc_open()
 * again, and so does, once, the one with this id and text, of which the server took no
 * notice. Every other that is under way goes on waiting for its answer. */
void jsonrpc_reopen(struct jsonrpc *rpc, int64_t id, const char *text);

/* From the transport's events, see there. */
void jsonrpc_receive(struct jsonrpc *rpc, const char *text, size_t len, bool cut);
void jsonrpc_silence(struct jsonrpc *rpc);
void jsonrpc_fail(struct jsonrpc *rpc, int64_t id, const char *why, int64_t code);

/* No request succeeds any more: those under way fail, from the loop. `cancel` also
 * sends notifications/cancelled. The first reason stays. */
void jsonrpc_end(struct jsonrpc *rpc, const char *why, bool cancel);

/* Reports failed requests now, rather than in the loop's next turn. From the loop
 * only. */
void jsonrpc_report_failed(struct jsonrpc *rpc);

#endif

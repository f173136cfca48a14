/*
 * jsonrpc - one conversation in MCP's JSON-RPC: a message a line.
 *
 * Requests of ours get their answer by their id, or fail at their deadline, which the
 * server is told with notifications/cancelled. Requests of the server are answered at
 * once: ping with an empty result, all others with "Method not found", for we offer
 * nothing. What is no message is noise; if it can still be seen to be the answer to a
 * request, that request fails at once.
 */
#ifndef SERVICE_MCP_JSONRPC_H
#define SERVICE_MCP_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/lines.h"

/* Sends a line. False when the server does not read. Must not call back. */
typedef bool jsonrpc_write_fn(void *arg, const char *line, size_t len);
/* A line that is no message; borrowed. */
typedef void jsonrpc_unexpected_output_fn(void *arg, const char *line);
/* A notification of the server's. */
typedef void jsonrpc_notified_fn(void *arg, const char *method);

/* result is borrowed, and NULL when `why` says why there is none. code is that of an
 * error of the server's, else 0. Once per request, from the loop. */
struct jsonrpc_answer {
	const cJSON *result;
	const char *why;
	int64_t code;
};
typedef void jsonrpc_answer_fn(void *arg, const struct jsonrpc_answer *answer);

struct jsonrpc_events {
	jsonrpc_write_fn *write;
	jsonrpc_unexpected_output_fn *unexpected_output;
	jsonrpc_notified_fn *notified;
	void (*closed)(void *arg);
};

/* The code of what is not known there. */
#define JSONRPC_METHOD_NOT_FOUND (-32601)

struct jsonrpc_call;

/* Embedded in its owner, who may be freed when `closed` was called. */
struct jsonrpc {
	const struct jsonrpc_events *events;
	void *arg;
	int64_t last_id;
	struct jsonrpc_call *calls; /* oldest first */
	struct lines lines;
	char *ended; /* why no request can succeed any more */
	bool open;   /* requests may be sent, not only the handshake's */
	bool mute;   /* the server closed its stdout */
	bool closing;
	uv_timer_t timer; /* the next deadline, or requests that failed and were not
			     told */
};

/* Keeps loop and events. */
void jsonrpc_init(struct jsonrpc *rpc, uv_loop_t *loop,
	const struct jsonrpc_events *events, void *arg);

/* From the loop: what is still under way fails, then comes `closed`. */
void jsonrpc_close(struct jsonrpc *rpc);

enum jsonrpc_when {
	JSONRPC_HANDSHAKE, /* now, and never cancelled */
	JSONRPC_OPEN,      /* after jsonrpc_open() */
};

/* deadline_ns is CLOCK_MONOTONIC. Takes params, which may be NULL. */
void jsonrpc_ask(struct jsonrpc *rpc, enum jsonrpc_when when, const char *method,
	cJSON *params, int64_t deadline_ns, jsonrpc_answer_fn *done, void *arg);

void jsonrpc_notify(struct jsonrpc *rpc, const char *method, cJSON *params);

/* The handshake is complete: sends what waited for that. */
void jsonrpc_open(struct jsonrpc *rpc);

/* What the server wrote; len 0: it closed its stdout. */
void jsonrpc_feed(struct jsonrpc *rpc, const char *data, size_t len);

/* No request succeeds from here on: those under way fail, from the loop. With
 * `cancel` the server is told. The first reason stays. */
void jsonrpc_end(struct jsonrpc *rpc, const char *why, bool cancel);

/* Tells those whose request failed now, rather than in the loop's next turn. To be
 * called from the loop only. */
void jsonrpc_tell(struct jsonrpc *rpc);

#endif

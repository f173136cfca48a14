/*
 * mcp_rpc - one conversation in MCP's JSON-RPC: a message a line.
 *
 * Requests of ours get their answer by their id, or fail at their deadline, which the
 * server is told with notifications/cancelled. Requests of the server are answered at
 * once: ping with an empty result, all others with "Method not found", for we offer
 * nothing. What is no message is noise; if it can still be seen to be the answer to a
 * request, that request fails at once.
 */
#ifndef SERVICE_MCP_RPC_H
#define SERVICE_MCP_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/lines.h"

/* Sends a line. False when the server does not read. Must not call back. */
typedef bool mcp_rpc_write_fn(void *arg, const char *line, size_t len);
/* A line that is no message; borrowed. */
typedef void mcp_rpc_noise_fn(void *arg, const char *line);
/* A notification of the server's. */
typedef void mcp_rpc_notified_fn(void *arg, const char *method);

/* result is borrowed, and NULL when `why` says why there is none. code is that of an
 * error of the server's, else 0. Once per request, from the loop. */
struct mcp_rpc_answer {
	const cJSON *result;
	const char *why;
	int64_t code;
};
typedef void mcp_rpc_answer_fn(void *arg, const struct mcp_rpc_answer *answer);

struct mcp_rpc_events {
	mcp_rpc_write_fn *write;
	mcp_rpc_noise_fn *noise;
	mcp_rpc_notified_fn *notified;
	void (*closed)(void *arg);
};

/* The code of what is not known there. */
#define MCP_RPC_METHOD_NOT_FOUND (-32601)

struct mcp_rpc_call;

/* Embedded in its owner, who may be freed when `closed` was called. */
struct mcp_rpc {
	const struct mcp_rpc_events *events;
	void *arg;
	int64_t last_id;
	struct mcp_rpc_call *calls; /* oldest first */
	struct lines lines;
	char *ended; /* why no request can succeed any more */
	bool open;   /* requests may be sent, not only the handshake's */
	bool mute;   /* the server closed its stdout */
	bool closing;
	uv_timer_t timer; /* the next deadline, or requests that failed and were not
			     told */
};

/* Keeps loop and events. */
void mcp_rpc_init(struct mcp_rpc *rpc, uv_loop_t *loop,
	const struct mcp_rpc_events *events, void *arg);

/* From the loop: what is still under way fails, then comes `closed`. */
void mcp_rpc_close(struct mcp_rpc *rpc);

enum mcp_rpc_when {
	MCP_RPC_HANDSHAKE, /* now, and never cancelled */
	MCP_RPC_OPEN,      /* after mcp_rpc_open() */
};

/* deadline_ns is CLOCK_MONOTONIC. Takes params, which may be NULL. */
void mcp_rpc_ask(struct mcp_rpc *rpc, enum mcp_rpc_when when, const char *method,
	cJSON *params, int64_t deadline_ns, mcp_rpc_answer_fn *done, void *arg);

void mcp_rpc_notify(struct mcp_rpc *rpc, const char *method, cJSON *params);

/* The handshake is complete: sends what waited for that. */
void mcp_rpc_open(struct mcp_rpc *rpc);

/* What the server wrote; len 0: it closed its stdout. */
void mcp_rpc_feed(struct mcp_rpc *rpc, const char *data, size_t len);

/* No request succeeds from here on: those under way fail, from the loop. With
 * `cancel` the server is told. The first reason stays. */
void mcp_rpc_end(struct mcp_rpc *rpc, const char *why, bool cancel);

/* Tells those whose request failed now, rather than in the loop's next turn. To be
 * called from the loop only. */
void mcp_rpc_tell(struct mcp_rpc *rpc);

#endif

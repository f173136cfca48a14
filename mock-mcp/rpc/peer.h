/*
 * peer - one client: what was agreed with it, its calls in progress, and the requests
 * that the server has sent to it.
 *
 * It knows no transport: messages leave through the functions of its options. On stdio
 * there is one peer; over HTTP there is one for each session, and one for each request
 * of a client without sessions. A message of the client has an origin, which is the
 * transport's (a POST, for example): what is sent about a request of that message names
 * the same origin.
 */
#ifndef MOCK_MCP_RPC_PEER_H
#define MOCK_MCP_RPC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/strlist.h"
#include "mock-mcp/behavior.h"
#include "mock-mcp/log_identity.h"
#include "mock-mcp/rpc/jsonrpc.h"
#include "mock-mcp/rpc/protocol.h"

#define PEER_CALLS_MAX         1024               /* in progress */
#define PEER_HELD_MAX          ((size_t)16 << 20) /* bytes of their parameters */
#define PEER_SUBSCRIPTIONS_MAX 256

struct call;
struct peer;

/* All peers of the server, in the order of their creation, and what changes for all of
 * them. Zeroed: none. */
struct peers {
	struct peer *first;
	unsigned updates; /* of the watched resource */
};

/* All are called within methods_receive(), or from the loop. Messages are borrowed. */
struct peer_transport {
	/* Sends what a message of the client is owed, at most once for an origin. `code`
	 * is that of an error, else 0. */
	void (*answer)(void *arg, void *origin, const char *message, int code);
	/* Sends any other message. Origin NULL: it belongs to no request. */
	void (*notify)(void *arg, void *origin, const char *message);
	/* Nothing about origin follows. NULL: no need to know. */
	void (*finish)(void *arg, void *origin);
	/* Makes the client come back for what follows about origin. NULL: it need not. */
	void (*interrupt)(void *arg, void *origin);
	/* Once, after the answer to the first tools/list. NULL: no need to know. */
	void (*listed)(void *arg);
};

struct peer_options {
	const struct mcp_behavior *behavior;
	struct log_identity identity;
	struct rng *rng;
	struct peers *peers;
	const struct peer_transport *transport;
	void *arg;
};

/* The answers that one message of the client is owed: in an array if it was one. */
struct answer_group {
	struct peer *peer;
	void *origin;
	unsigned open; /* answers that are missing, and the reader of the message */
	bool batch, owed;
	struct buf answers; /* of a batch, so far */
};

struct peer {
	uv_loop_t *loop;
	struct peer_options options;
	struct peer *prev, *next;
	const char *version;   /* agreed on by initialize; NULL before */
	unsigned capabilities; /* the client's, enum protocol_capability */
	int log_level;
	bool initialized, listed;
	struct call *calls;
	unsigned call_count;
	size_t held; /* bytes of parameters */
	struct question *questions;
	int64_t asked;                /* questions so far: the id of the latest */
	struct strlist subscriptions; /* URIs */
};

/* Keeps loop and what the options point to; copies the options. */
struct peer *peer_create(
	uv_loop_t *loop, const struct peer_options *options) MUST_CHECK;

/* Drops the calls in progress; nothing is sent. Accepts NULL. */
void peer_destroy(struct peer *peer);

/* The call in progress with this id, as JSON; NULL: none. Borrowed. */
struct call *peer_find(const struct peer *peer, const char *id);

/* The client has chosen a version: reports that once. */
void peer_initialized(struct peer *peer);

/* Sends a notification that belongs to no request. Takes params. */
void peer_notify(struct peer *peer, const char *method, cJSON *params);

/* The client answered a question of call_ask(). */
void peer_on_reply(struct peer *peer, const struct jsonrpc_message *reply);

/* Begins to collect the answers to a message; answer_group_end() when all of it was
 * read. An array of answers of more than BUF_CEILING is not sent. */
struct answer_group *answer_group_begin(
	struct peer *peer, void *origin, bool batch) MUST_CHECK;
void answer_group_end(struct answer_group *group);
/* Owes one answer more. */
void answer_group_owe(struct answer_group *group);
/* Pays one. Takes answer; NULL: there is none, the request was cancelled. */
void answer_group_pay(struct answer_group *group, char *answer, int code);
/* Forgets one; nothing is sent. */
void answer_group_drop(struct answer_group *group);

#endif

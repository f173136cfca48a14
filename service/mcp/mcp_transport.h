/*
 * mcp_transport - how messages reach an MCP server and come back.
 *
 * One interface, two of them: stdio_transport runs the server as a child, a message a
 * line; http_transport speaks Streamable HTTP to a server that runs by itself. The
 * protocol above (mcp_client, jsonrpc) is the same over both.
 *
 * A transport is made by its own header's call, and belongs to the caller until
 * mcp_transport_destroy(). All events come from the loop, never from inside a call of
 * yours, and each may destroy the transport.
 */
#ifndef SERVICE_MCP_MCP_TRANSPORT_H
#define SERVICE_MCP_MCP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/cc.h"
#include "service/mcp_step.h"

#define MCP_MESSAGE_CEILING ((size_t)8 << 20) /* bytes of one message */

/* How a server, or our session with it, ended. */
struct mcp_end {
	const char *why; /* for the calls that fail with it */
	bool is_process; /* a child was reaped; status is waitpid's */
	int status;
	long http_status; /* of the answer to DELETE; 0: there is none */
};

struct mcp_transport_events {
	/* One message of the server's; `cut`: only its first bytes. Borrowed. */
	void (*message)(void *arg, const char *text, size_t len, bool cut);
	/* What it says and is no message; borrowed. */
	void (*unexpected_output)(void *arg, const char *line);
	/* Nothing comes from the server any more, though it has not ended. */
	void (*silent)(void *arg);
	/* The request with this id gets no answer, with JSON-RPC's code or 0. */
	void (*failed)(void *arg, int64_t id, const char *why, int64_t code);
	/* The server does not know our session any more, and took no notice of the
	 * request with this id, which is borrowed. A new handshake begins one. */
	void (*expired)(void *arg, int64_t id, const char *text);
	/* Down the ladder. */
	void (*step)(void *arg, enum mcp_step step);
	/* Once, after which nothing comes. */
	void (*ended)(void *arg, const struct mcp_end *end);
};

/* What is sent; all borrowed. */
struct mcp_message {
	const char *text; /* JSON without a line feed */
	size_t len;
	int64_t id;         /* of a request of ours; 0: it needs no answer */
	const char *method; /* NULL: it is an answer */
	const char *name;   /* of the tool called; NULL: none */
};

struct mcp_transport;

struct mcp_transport_ops {
	bool (*send)(struct mcp_transport *transport, const struct mcp_message *message,
		const char **why);
	void (*settle)(struct mcp_transport *transport, int64_t id, bool answered);
	void (*negotiated)(struct mcp_transport *transport, const char *version);
	void (*stop)(struct mcp_transport *transport, int64_t eof_ns, int64_t term_ns);
	pid_t (*pid)(const struct mcp_transport *transport);
	void (*destroy)(struct mcp_transport *transport);
};

/* The first member of each transport. */
struct mcp_transport {
	const struct mcp_transport_ops *ops;
	const struct mcp_transport_events *events;
	void *arg;
};

/* Never blocks. False: it cannot be sent, for the reason *why, a constant. */
static inline bool mcp_transport_send(struct mcp_transport *transport,
	const struct mcp_message *message, const char **why)
{
	return transport->ops->send(transport, message, why);
}

/* Nobody waits for the answer to this request any more: it has come, or is given up. */
static inline void mcp_transport_settle(
	struct mcp_transport *transport, int64_t id, bool answered)
{
	transport->ops->settle(transport, id, answered);
}

/* The version of the protocol, or NULL at the beginning of a handshake. */
static inline void mcp_transport_negotiated(
	struct mcp_transport *transport, const char *version)
{
	transport->ops->negotiated(transport, version);
}

/* Down the ladder; a further call can only shorten it. A process: as child_stop(). A
 * session over HTTP: DELETE, which may take eof_ns. */
static inline void mcp_transport_stop(
	struct mcp_transport *transport, int64_t eof_ns, int64_t term_ns)
{
	transport->ops->stop(transport, eof_ns, term_ns);
}

/* 0: the server is no child of ours. */
static inline pid_t mcp_transport_pid(const struct mcp_transport *transport)
{
	return transport->ops->pid(transport);
}

/* No event comes any more. A child is killed; a session over HTTP is dropped. The loop
 * must turn for the handles. Accepts NULL. */
static inline void mcp_transport_destroy(struct mcp_transport *transport)
{
	if (transport)
		transport->ops->destroy(transport);
}

#endif

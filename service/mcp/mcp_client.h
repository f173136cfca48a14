/*
 * mcp_client - the client of one MCP server: the protocol, over a transport.
 *
 * The handshake is initialize, notifications/initialized and tools/list, page by page;
 * then the server is ready and its tools are known. They are read again when the server
 * sends notifications/tools/list_changed, and after a new handshake, which a server over
 * HTTP that has ended our session needs. A server that knows no initialize is asked
 * server/discover, the beginning of 2026-07-28, in which each request stands alone. What is no message is reported; when the
 * process or the session ends, its calls fail. Stopping is the ladder of
 * mcp_transport_stop().
 *
 *   handshake -> ready -> ended -> destroyed
 *
 * All callbacks come from the loop, never from inside a call of yours.
 */
#ifndef SERVICE_MCP_MCP_CLIENT_H
#define SERVICE_MCP_MCP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "lib/reaper.h"
#include "service/mcp/http_transport.h"
#include "service/mcp/mcp_transport.h"
#include "service/mcp/stdio_transport.h"

struct mcp_client;

struct mcp_client_spec {
	const char *name;
	struct stdio_transport_spec stdio; /* argv NULL: over HTTP */
	struct http_transport_spec http;
	int64_t start_ns; /* deadline of the handshake, from the start */
	int64_t call_ns;  /* deadline of each call; then notifications/cancelled */
};

struct mcp_client_events {
	/* Ready: tools is the server's tools/list array, borrowed. Or NULL: the
	 * handshake failed for the reason `why`, and only mcp_client_stop() and
	 * mcp_client_destroy() may follow. Not after mcp_client_stop(). */
	void (*ready)(void *arg, const cJSON *tools, const char *why);
	/* The tools have changed: the whole list again, borrowed. */
	void (*relisted)(void *arg, const cJSON *tools);
	void (*step)(void *arg, enum mcp_step step);
	/* The process was reaped, or the session over HTTP has ended, and its calls have
	 * failed. */
	void (*gone)(void *arg, const struct mcp_end *end);
	/* What it says and is no JSON-RPC: a line of stderr or of stdout, an event. */
	void (*unexpected_output)(void *arg, const char *line);
};

/* Keeps loop, reaper and events; copies spec. */
struct mcp_client *mcp_client_start(uv_loop_t *loop, struct reaper *reaper,
	const struct mcp_client_spec *spec, const struct mcp_client_events *events,
	void *arg, struct err *err) MUST_CHECK;
pid_t mcp_client_pid(const struct mcp_client *mcp); /* 0: it is no child of ours */

/* The result as content blocks, see mcp_result.h; borrowed. */
typedef void mcp_client_call_fn(void *arg, const cJSON *content, bool is_error);

/* `done` comes once from the loop, also when the server ends, the deadline passes or
 * mcp_client_stop() is called; not after mcp_client_destroy(). A call made before the
 * server is ready waits until it is. */
void mcp_client_call(struct mcp_client *mcp, const char *tool, const cJSON *arguments,
	mcp_client_call_fn *done, void *arg);

/* Down the ladder, see mcp_transport_stop(). */
void mcp_client_stop(struct mcp_client *mcp, int64_t eof_ns, int64_t term_ns);

/* As mcp_transport_destroy(). Accepts NULL. */
void mcp_client_destroy(struct mcp_client *mcp);

#endif

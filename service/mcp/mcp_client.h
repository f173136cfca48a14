/*
 * mcp_client - the client of one stdio MCP server, and its process.
 *
 * JSON-RPC, a message a line. The handshake is initialize, notifications/initialized
 * and tools/list, page by page; then the server is ready and its tools are known. They
 * are read again when the server sends notifications/tools/list_changed. A line that is
 * no message is reported; when the process ends, its calls fail. Stopping is the ladder
 * of child.h: end of stdin, SIGTERM, SIGKILL.
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

#include "lib/child.h"
#include "lib/err.h"

struct mcp_client;

struct mcp_client_spec {
	const char *name;
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* whole environment, NULL: ours */
	int64_t start_ns;        /* deadline of the handshake, from the spawn */
	int64_t call_ns; /* deadline of each call; then notifications/cancelled */
};

struct mcp_client_events {
	/* Ready: tools is the server's tools/list array, borrowed. Or NULL: the
	 * handshake failed for the reason `why`, and only mcp_client_stop() and
	 * mcp_client_destroy() may follow. Not after mcp_client_stop(). */
	void (*ready)(void *arg, const cJSON *tools, const char *why);
	/* The tools have changed: the whole list again, borrowed. */
	void (*relisted)(void *arg, const cJSON *tools);
	void (*step)(void *arg, enum child_step step);
	/* The process was reaped, and its calls have failed. `status` is waitpid's. */
	void (*gone)(void *arg, int status);
	/* A line of stderr, or a line of stdout that is no JSON-RPC. */
	void (*unexpected_output)(void *arg, const char *line);
};

/* Keeps loop, reaper and events; copies spec. */
struct mcp_client *mcp_client_start(uv_loop_t *loop, struct reaper *reaper,
	const struct mcp_client_spec *spec, const struct mcp_client_events *events,
	void *arg, struct err *err) MUST_CHECK;
pid_t mcp_client_pid(const struct mcp_client *mcp);

/* The result as content blocks, see mcp_result.h; borrowed. */
typedef void mcp_client_call_fn(void *arg, const cJSON *content, bool is_error);

/* `done` comes once from the loop, also when the server ends, the deadline passes or
 * mcp_client_stop() is called; not after mcp_client_destroy(). A call made before the
 * server is ready waits until it is. */
void mcp_client_call(struct mcp_client *mcp, const char *tool, const cJSON *arguments,
	mcp_client_call_fn *done, void *arg);

/* Down the ladder, see child_stop(). */
void mcp_client_stop(struct mcp_client *mcp, int64_t eof_ns, int64_t term_ns);

/* As child_destroy(). Accepts NULL. */
void mcp_client_destroy(struct mcp_client *mcp);

#endif

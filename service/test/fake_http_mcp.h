/*
 * fake_http_mcp - an MCP server over Streamable HTTP, for the tests of its client.
 *
 * Its tools say by their names how the call of them ends; the members say how the rest
 * behaves. It checks the order of the handshake, and the headers of each request.
 */
#ifndef SERVICE_TEST_FAKE_HTTP_MCP_H
#define SERVICE_TEST_FAKE_HTTP_MCP_H

#include <stdbool.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/err.h"
#include "lib/web.h"

struct fake_http_mcp {
	struct web *web;
	struct buf journal; /* "POST initialize;POST tools/call echo;GET;DELETE;" */
	struct buf wrong;   /* what the client did wrong, a line each */
	unsigned sessions;  /* so many were begun; the id of the last is "session-N" */
	bool initialized;   /* notifications/initialized was answered */
	unsigned tools;     /* of the list, beside "echo" */

	bool modern;           /* it speaks 2026-07-28 alone */
	bool stateless;        /* without a session id */
	bool streams;          /* answers of the handshake are streams too */
	bool no_listening;     /* GET is answered with 405 */
	bool hold_initialize;  /* until fake_http_mcp_let_go() */
	bool slow_initialized; /* notifications/initialized waits for the loop */
	bool hang_delete;
	unsigned delete_status;    /* 0: 200 */
	unsigned lost_times;       /* requests that get 404: their session is gone */
	bool lost_is_bad_request;  /* and not 404 */
	bool refuse_initialize;    /* every one after the first gets 503 */
	struct web_exchange *held; /* not answered yet */
	struct web_exchange *listening;
	char *held_text;
};

#define FAKE_TOKEN "token-of-the-test" /* each request has it as its bearer token */

/* Listens on a free port. Keeps loop. */
bool fake_http_mcp_init(
	struct fake_http_mcp *fake, uv_loop_t *loop, struct err *err) MUST_CHECK;
void fake_http_mcp_done(struct fake_http_mcp *fake);

void fake_http_mcp_let_go(struct fake_http_mcp *fake);

/* On the stream of what it says unasked. */
void fake_http_mcp_say(struct fake_http_mcp *fake, const char *message);

/* How often the journal contains `what`. */
unsigned fake_http_mcp_count(const struct fake_http_mcp *fake, const char *what);

#endif

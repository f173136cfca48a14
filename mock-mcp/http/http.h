/*
 * http - what the parts of the HTTP server share: its sessions, and what they know.
 */
#ifndef MOCK_MCP_HTTP_HTTP_H
#define MOCK_MCP_HTTP_HTTP_H

#include "lib/strlist.h"
#include "lib/web.h"
#include "mock-mcp/mcp_program.h"
#include "mock-mcp/rpc/peer.h"

#define HTTP_PATH         "/mcp"
#define HTTP_SESSIONS_MAX 65536
#define HTTP_LABEL_MAX    128 /* bytes of a session's label */
/* Of all sessions, for clients that come back: older events are forgotten. */
#define HTTP_REPLAY_MAX ((size_t)64 << 20)

struct http {
	uv_loop_t *loop;
	const struct server_options *options;
	bool is_local; /* it listens at a loopback address */
	bool ending;   /* the server is about to exit */
	struct peers peers;
	struct http_session *sessions; /* by id, with uthash */
	struct known_label *labels;    /* of clients without sessions, likewise */
	unsigned anonymous;            /* requests of such clients without a label */
	struct stateless *stateless;   /* requests of such clients */
	size_t replay_size;
};

#endif

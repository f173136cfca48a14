/*
 * behavior - how a mock MCP server behaves: all its misbehavior, as data.
 *
 * The --behavior flag and a member of a scenario's "mcp" list have the same form:
 *
 *   {"name": "financial", "on_eof": "ignore", "on_term": {"exit_after": "50ms"}}
 *
 * Every key has a default; the defaults make a good server that exits when stdin ends.
 *
 * "After the listing" below means: after the answer to the first tools/list is queued.
 * Then a client's connection is complete, in every version of the protocol.
 */
#ifndef MOCK_MCP_BEHAVIOR_H
#define MOCK_MCP_BEHAVIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/latency.h"
#include "lib/reaction.h"

/* When the server calls abort(): between the event of that moment and its answer. */
enum mcp_crash_point {
	MCP_NEVER,
	MCP_AT_START,      /* before it makes children */
	MCP_AT_INITIALIZE, /* at the first request that is not a ping */
	MCP_AT_TOOL,
	MCP_AT_EOF,
	MCP_AT_TERM,
};

enum mcp_stdout {
	MCP_STDOUT_NORMAL,
	MCP_STDOUT_GARBAGE, /* a line that is not JSON before each answer */
	MCP_STDOUT_FLOOD, /* after the listing: notifications as fast as the client reads */
	MCP_STDOUT_FILL, /* after the listing, at EOF and at every signal: blocking writes
			   * of more than a pipe holds, which stop the server until the
			   * client has read them */
	MCP_STDOUT_PARTIAL, /* after the listing: half of the next line; the rest comes
			     * after rest_after_ns, or never */
	MCP_STDOUT_CLOSE,   /* after the listing: closed */
};

enum mcp_stderr {
	MCP_STDERR_NORMAL,
	MCP_STDERR_FLOOD, /* after the listing: lines as fast as the client reads */
};

enum mcp_features {
	MCP_FEATURES_TOOLS, /* four small tools */
	MCP_FEATURES_ALL,
};

enum mcp_transport {
	MCP_STDIO,
	MCP_HTTP,
};

/* How requests are answered over HTTP. */
enum mcp_http_answers {
	MCP_ANSWERS_STREAM, /* by events */
	MCP_ANSWERS_JSON,   /* in one piece, unless something comes first */
};

/* What a GET that asks for the session's stream gets. */
enum mcp_http_stream {
	MCP_STREAM_OPEN,
	MCP_STREAM_REFUSE, /* 405 */
	MCP_STREAM_HANG,   /* no answer */
	MCP_STREAM_STAY,   /* the stream, which stays open after the session's end */
};

/* What the DELETE that ends a session gets, after its latency. */
enum mcp_http_delete_fault {
	MCP_DELETE_NONE,
	MCP_DELETE_HANG,
	MCP_DELETE_ERROR,  /* 500 */
	MCP_DELETE_REFUSE, /* 405: sessions cannot be ended */
	MCP_DELETE_RESET,
};

/* What a request gets whose session has ended. */
enum mcp_http_ended {
	MCP_ENDED_NOT_FOUND,   /* 404 */
	MCP_ENDED_BAD_REQUEST, /* 400 */
	MCP_ENDED_HANG,        /* no answer */
};

struct mcp_http_behavior {
	int answers;             /* enum mcp_http_answers */
	int stream;              /* enum mcp_http_stream */
	int64_t retry_ns;        /* when a client shall come back */
	struct latency deletion; /* of DELETE */
	int delete_fault;        /* enum mcp_http_delete_fault */
	int64_t lifetime_ns;     /* of a session; 0: until it is ended */
	int ended;               /* enum mcp_http_ended */
};

/* Reads at most `bytes` at a time, with a pause in between. Both 0: no limit. */
struct mcp_stdin_rate {
	int64_t bytes;
	int64_t every_ns;
};

enum mcp_child_session {
	MCP_CHILD_SAME,   /* the server's process group */
	MCP_CHILD_OWN,    /* setsid */
	MCP_CHILD_DAEMON, /* double fork and setsid: its parent is the reaper */
};

/* All children have started when the server answers its first message. */
struct mcp_child_behavior {
	int64_t count;
	int64_t depth;       /* 1: children, 2: each has a child of its own, ... */
	bool stdio;          /* keeps the inherited stdin, stdout and stderr open */
	int session;         /* enum mcp_child_session, of every generation */
	bool ignore_term;    /* SIGTERM is only logged */
	int64_t lifetime_ns; /* 0: until a signal */
};

struct mcp_behavior {
	char *name;
	int transport;        /* enum mcp_transport */
	int features;         /* enum mcp_features */
	struct latency start; /* from the start until it handles the client's lines;
			       * over HTTP of each session */
	struct mcp_http_behavior http; /* MCP_HTTP alone */
	struct reaction on_eof, on_int, on_term;
	int64_t exit_code;   /* of every exit except a crash */
	struct latency tool; /* of a tool call */
	bool hang_tools;     /* a tool call never returns */
	bool read_stdin;     /* false: after the listing it reads no more */
	struct mcp_stdin_rate stdin_rate;
	int stdout_mode;       /* enum mcp_stdout, written "stdout" */
	int64_t rest_after_ns; /* MCP_STDOUT_PARTIAL; 0: never */
	int stderr_mode;       /* enum mcp_stderr, written "stderr" */
	struct mcp_child_behavior children;
	int64_t memory_mib; /* held from the start on, by the server alone */
	int64_t zombies;    /* children that have ended and are not waited for */
	int crash;          /* enum mcp_crash_point */
};

void mcp_behavior_preset(struct mcp_behavior *behavior);

/* Reads node over behavior: absent members keep their value. Members that contradict
 * each other are an error. */
bool mcp_behavior_read(struct mcp_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void mcp_behavior_done(struct mcp_behavior *behavior);

/* Reports whether mcp_behavior_read() accepts node. */
bool mcp_behavior_check(
	const struct json_doc *doc, const cJSON *node, struct err *err) MUST_CHECK;

/* Gives the caller the JSON Schema of what mcp_behavior_check() accepts. */
cJSON *mcp_behavior_schema(void) MUST_CHECK;

/* Appends all keys and their defaults, for --help. */
void mcp_behavior_help(struct buf *text);

#endif

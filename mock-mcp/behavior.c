#include "mock-mcp/behavior.h"

#include <stddef.h>

#include "lib/fields.h"

#define CHILDREN_MAX   64
#define DEPTH_MAX      16
#define ZOMBIES_MAX    1024
#define MEMORY_MAX_MIB 65536
#define RATE_MAX       65536

/* Each in the order of its enum. */
static const char *const crash_names[] = {
	"never", "start", "initialize", "tool", "eof", "term", NULL};
static const char *const stdout_names[] = {
	"normal", "garbage", "flood", "fill", "partial", "close", NULL};
static const char *const stderr_names[] = {"normal", "flood", NULL};
static const char *const transport_names[] = {"stdio", "http", NULL};
static const char *const answer_names[] = {"stream", "json", NULL};
static const char *const stream_names[] = {"open", "refuse", "hang", "stay", NULL};
static const char *const delete_names[] = {
	"none", "hang", "error", "refuse", "reset", NULL};
static const char *const ended_names[] = {"not_found", "bad_request", "hang", NULL};
static const char *const feature_names[] = {"tools", "all", NULL};
static const char *const session_names[] = {"same", "own", "daemon", NULL};

#define REACTION(key, member, text)                                                    \
	{                                                                              \
		key, FIELD_OTHER, offsetof(struct mcp_behavior, member), "exit",       \
			.help = text, .type = &reaction_type                           \
	}

static const struct field rate_fields[] = {
	{"bytes", FIELD_INT, offsetof(struct mcp_stdin_rate, bytes), "0",
		.help = "bytes of stdin that it reads at a time; 0: no limit",
		.max = RATE_MAX},
	{"every", FIELD_DURATION, offsetof(struct mcp_stdin_rate, every_ns), "0s",
		.help = "pause after each read"},
	{0},
};

static const struct field child_fields[] = {
	{"count", FIELD_INT, offsetof(struct mcp_child_behavior, count), "0",
		.help = "children that it starts with", .max = CHILDREN_MAX},
	{"depth", FIELD_INT, offsetof(struct mcp_child_behavior, depth), "1",
		.help = "2: each has a child of its own, ...", .min = 1,
		.max = DEPTH_MAX},
	{"stdio", FIELD_BOOL, offsetof(struct mcp_child_behavior, stdio), "false",
		.help = "they keep the inherited stdin, stdout and stderr open"},
	{"session", FIELD_CHOICE, offsetof(struct mcp_child_behavior, session), "same",
		.help = "their process group or session; daemons fork twice",
		.choices = session_names},
	{"ignore_term", FIELD_BOOL, offsetof(struct mcp_child_behavior, ignore_term),
		"false", .help = "they log SIGTERM and stay"},
	{"lifetime", FIELD_DURATION, offsetof(struct mcp_child_behavior, lifetime_ns),
		"0s", .help = "they end after this time; 0s: not by themselves"},
	{0},
};

static const struct field http_fields[] = {
	{"answers", FIELD_CHOICE, offsetof(struct mcp_http_behavior, answers), "stream",
		.help = "stream: requests are answered by events. json: in one piece, "
			"unless something comes first",
		.choices = answer_names},
	{"stream", FIELD_CHOICE, offsetof(struct mcp_http_behavior, stream), "open",
		.help = "the stream that a GET asks for. refuse: 405. hang: no answer. "
			"stay: it stays open after the session's end",
		.choices = stream_names},
	{"retry", FIELD_DURATION, offsetof(struct mcp_http_behavior, retry_ns), "1s",
		.help = "when a client shall come back for the rest of a stream"},
	{"delete", FIELD_OTHER, offsetof(struct mcp_http_behavior, deletion), "0s",
		.type = &latency_type,
		.help = "how long the DELETE takes that ends a session"},
	{"delete_fault", FIELD_CHOICE, offsetof(struct mcp_http_behavior, delete_fault),
		"none",
		.help = "what it gets then. hang: no answer. error: 500. refuse: 405. "
			"reset: a TCP RST. None of them ends the session",
		.choices = delete_names},
	{"lifetime", FIELD_DURATION, offsetof(struct mcp_http_behavior, lifetime_ns),
		"0s", .help = "a session ends by itself after this time; 0s: never"},
	{"ended", FIELD_CHOICE, offsetof(struct mcp_http_behavior, ended), "not_found",
		.help = "what requests get whose session has ended. not_found: 404. "
			"bad_request: 400. hang: no answer",
		.choices = ended_names},
	{0},
};

static const struct field behavior_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct mcp_behavior, name), "mock-mcp",
		.help = "the server's name"},
	{"transport", FIELD_CHOICE, offsetof(struct mcp_behavior, transport), "stdio",
		.help = "http: Streamable HTTP, one server for all sessions",
		.choices = transport_names},
	{"features", FIELD_CHOICE, offsetof(struct mcp_behavior, features), "tools",
		.help = "all: resources, prompts, completion, subscriptions, and the "
			"tools that the MCP conformance suite calls",
		.choices = feature_names},
	{"start", FIELD_OTHER, offsetof(struct mcp_behavior, start), "0s",
		.type = &latency_type,
		.help = "time until it handles the client's messages; over HTTP those "
			"of each session"},
	{"http", FIELD_OBJECT, offsetof(struct mcp_behavior, http),
		.help = "of \"transport\": \"http\"", .fields = http_fields},
	REACTION("on_eof", on_eof, "at EOF of stdin: " REACTION_FORMS),
	REACTION("on_int", on_int, "at SIGINT, likewise"),
	REACTION("on_term", on_term, "at SIGTERM, likewise"),
	{"exit_code", FIELD_INT, offsetof(struct mcp_behavior, exit_code), "0",
		.help = "exit code of every exit except a crash", .max = 255},
	{"tool", FIELD_OTHER, offsetof(struct mcp_behavior, tool), "0s",
		.type = &latency_type, .help = "how long a tool call takes"},
	{"hang_tools", FIELD_BOOL, offsetof(struct mcp_behavior, hang_tools), "false",
		.help = "a tool call never returns"},
	{"read_stdin", FIELD_BOOL, offsetof(struct mcp_behavior, read_stdin), "true",
		.help = "false: it reads no more after it has listed its tools"},
	{"stdin_rate", FIELD_OBJECT, offsetof(struct mcp_behavior, stdin_rate),
		.help = "slow reading", .fields = rate_fields},
	{"stdout", FIELD_CHOICE, offsetof(struct mcp_behavior, stdout_mode), "normal",
		.help = "garbage: lines that are not JSON before answers. The others "
			"begin after it has listed its tools. flood: notifications as "
			"fast as they are read. fill: it blocks in writes of more than "
			"a pipe holds, also at EOF and at signals. partial: half of "
			"the next line. close: stdout is closed",
		.choices = stdout_names},
	{"rest_after", FIELD_DURATION, offsetof(struct mcp_behavior, rest_after_ns),
		"0s", .help = "of \"partial\": time until the other half; 0s: never"},
	{"stderr", FIELD_CHOICE, offsetof(struct mcp_behavior, stderr_mode), "normal",
		.help = "flood: lines as fast as they are read, after it has listed its "
			"tools",
		.choices = stderr_names},
	{"children", FIELD_OBJECT, offsetof(struct mcp_behavior, children),
		.help = "processes that it starts with", .fields = child_fields},
	{"zombies", FIELD_INT, offsetof(struct mcp_behavior, zombies), "0",
		.help = "children that have ended and are not waited for",
		.max = ZOMBIES_MAX},
	{"memory_mib", FIELD_INT, offsetof(struct mcp_behavior, memory_mib), "0",
		.help = "memory that it holds, in MiB", .max = MEMORY_MAX_MIB},
	{"crash", FIELD_CHOICE, offsetof(struct mcp_behavior, crash), "never",
		.help = "abort() at this moment; initialize: at the first request that "
			"is not a ping",
		.choices = crash_names},
	{0},
};

void mcp_behavior_preset(struct mcp_behavior *behavior)
{
	*behavior = (struct mcp_behavior){0};
	fields_preset(behavior_fields, behavior);
}

/* A member that the transport cannot have, or NULL. */
static const cJSON *foreign_member(
	const struct mcp_behavior *behavior, const cJSON *node)
{
	static const char *const of_stdio[] = {
		"on_eof", "read_stdin", "stdin_rate", "stdout", "rest_after", "stderr"};
	const cJSON *stdio = json_get(json_get(node, "children"), "stdio");
	const cJSON *member = NULL;

	if (behavior->transport == MCP_STDIO)
		return json_get(node, "http");
	for (unsigned i = 0; i < COUNT(of_stdio) && !member; i++)
		member = json_get(node, of_stdio[i]);
	if (!member && cJSON_IsTrue(stdio))
		member = stdio;
	if (!member && behavior->crash == MCP_AT_EOF)
		member = json_get(node, "crash");
	return member;
}

static bool check_transport(const struct mcp_behavior *behavior,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *member = foreign_member(behavior, node);

	if (!member)
		return true;
	if (behavior->transport == MCP_STDIO)
		return json_doc_wrong(doc, member, err,
			"http goes with \"transport\": \"http\" alone");
	return json_doc_wrong(doc, member, err,
		"%s: a server over HTTP has no stdin and stdout of its client",
		member->string);
}

/* Errors for members that contradict each other or have no effect. A count of 0 is
 * accepted: a scenario's twin turns children off that way. */
static bool check_combination(const struct mcp_behavior *behavior,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const struct mcp_stdin_rate *rate = &behavior->stdin_rate;
	const cJSON *children = json_get(node, "children");
	const struct {
		const cJSON *member;
		bool is_wrong;
		const char *why;
	} rows[] = {
		{json_get(node, "tool"), behavior->hang_tools,
			"tool: with hang_tools a call never returns: say one of them"},
		{children,
			behavior->children.count == 0 && children && children->child &&
				!json_get(children, "count"),
			"children: without a count there is none"},
		{json_get(node, "stdin_rate"),
			(rate->bytes > 0) != (rate->every_ns > 0),
			"stdin_rate: bytes and every go together"},
		{json_get(node, "rest_after"),
			behavior->rest_after_ns > 0 &&
				behavior->stdout_mode != MCP_STDOUT_PARTIAL,
			"rest_after goes with \"stdout\": \"partial\" alone"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		if (rows[i].member && rows[i].is_wrong)
			return json_doc_wrong(
				doc, rows[i].member, err, "%s", rows[i].why);
	}
	return true;
}

bool mcp_behavior_read(struct mcp_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	return fields_read(behavior_fields, behavior, doc, node, "behavior", err) &&
		check_combination(behavior, doc, node, err) &&
		check_transport(behavior, doc, node, err);
}

void mcp_behavior_done(struct mcp_behavior *behavior)
{
	fields_done(behavior_fields, behavior);
}

bool mcp_behavior_check(const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(mcp_behavior_done) struct mcp_behavior behavior;

	mcp_behavior_preset(&behavior);
	return mcp_behavior_read(&behavior, doc, node, err);
}

cJSON *mcp_behavior_schema(void)
{
	return fields_schema(behavior_fields);
}

void mcp_behavior_help(struct buf *text)
{
	fields_help(behavior_fields, "", text);
}

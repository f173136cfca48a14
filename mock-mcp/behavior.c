#include "mock-mcp/behavior.h"

#include <string.h>

#include "lib/suggest.h"

#define CHILDREN_MAX   64
#define DEPTH_MAX      16
#define ZOMBIES_MAX    1024
#define MEMORY_MAX_MIB 65536

static const char *const reaction_names[] = {
	[REACTION_EXIT] = "exit",
	[REACTION_IGNORE] = "ignore",
	[REACTION_SPIN] = "spin",
};

static const char *const moment_names[] = {
	[MCP_NEVER] = "never",
	[MCP_AT_START] = "start",
	[MCP_AT_INITIALIZE] = "initialize",
	[MCP_AT_TOOL] = "tool",
	[MCP_AT_EOF] = "eof",
	[MCP_AT_TERM] = "term",
	NULL,
};

static const char *const stdout_names[] = {
	[MCP_STDOUT_NORMAL] = "normal",
	[MCP_STDOUT_GARBAGE] = "garbage",
	[MCP_STDOUT_FLOOD] = "flood",
	[MCP_STDOUT_FILL] = "fill",
	[MCP_STDOUT_CLOSE] = "close",
	NULL,
};

static const char *const session_names[] = {
	[MCP_CHILD_SAME] = "same",
	[MCP_CHILD_OWN] = "own",
	[MCP_CHILD_DAEMON] = "daemon",
	NULL,
};

/* The one form of a reaction that is an object. */
static const struct field exit_fields[] = {
	{"exit_after", FIELD_OTHER, offsetof(struct reaction, after),
		.type = &latency_type, .help = "exits this much later"},
	{0},
};

#define REACTIONS "\"exit\", \"ignore\", \"spin\" or {\"exit_after\": \"50ms\"}"

static const char *key_of(const cJSON *node)
{
	return node->string ? node->string : "reaction";
}

static bool read_reaction_name(struct reaction *reaction, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *word = node->valuestring, *near;

	for (unsigned i = 0; i < COUNT(reaction_names); i++) {
		if (!strcmp(word, reaction_names[i])) {
			latency_done(&reaction->after);
			*reaction = (struct reaction){.kind = (enum reaction_kind)i};
			return true;
		}
	}
	near = suggest_name(word, reaction_names, COUNT(reaction_names));
	return json_doc_wrong(doc, node, err,
		"%s: expected " REACTIONS ", not \"%.40s\"%s%s%s", key_of(node), word,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool read_reaction(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct reaction *reaction = out;

	if (cJSON_IsString(node))
		return read_reaction_name(reaction, doc, node, err);
	if (!cJSON_IsObject(node) || !node->child)
		return json_doc_wrong(
			doc, node, err, "%s: expected " REACTIONS, key_of(node));
	if (!fields_read(exit_fields, reaction, doc, node, key_of(node), err))
		return false;
	reaction->kind = REACTION_EXIT;
	return true;
}

static void reaction_done(void *out)
{
	struct reaction *reaction = out;

	latency_done(&reaction->after);
}

static cJSON *reaction_schema(void)
{
	cJSON *schema = cJSON_CreateObject(), *forms, *words, *names, *later;

	forms = cJSON_AddArrayToObject(schema, "oneOf");
	words = cJSON_CreateObject();
	names = cJSON_AddArrayToObject(words, "enum");
	for (unsigned i = 0; i < COUNT(reaction_names); i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(reaction_names[i]));
	cJSON_AddItemToArray(forms, words);
	later = fields_schema(exit_fields);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(later, "required"),
		cJSON_CreateString("exit_after"));
	cJSON_AddItemToArray(forms, later);
	return schema;
}

static const struct field_type reaction_type = {.read = read_reaction,
	.done = reaction_done,
	.schema = reaction_schema,
	.open = true};

#define REACTION(key, member, text)                                                    \
	{                                                                              \
		key, FIELD_OTHER, offsetof(struct mcp_behavior, member), "exit",       \
			.help = text, .type = &reaction_type                           \
	}

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
		"0s", .help = "they end by themselves after this; 0s: never"},
	{0},
};

const struct field mcp_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct mcp_behavior, name), "mock-mcp",
		.help = "who it says it is"},
	{"start", FIELD_OTHER, offsetof(struct mcp_behavior, start), "0s",
		.type = &latency_type,
		.help = "from its start until it hears what its client says"},
	REACTION("on_eof", on_eof, "at EOF of stdin: " REACTIONS),
	REACTION("on_int", on_int, "at SIGINT, likewise"),
	REACTION("on_term", on_term, "at SIGTERM, likewise"),
	{"exit_code", FIELD_INT, offsetof(struct mcp_behavior, exit_code), "0",
		.help = "when it exits by its own decision", .max = 255},
	{"tool", FIELD_OTHER, offsetof(struct mcp_behavior, tool), "0s",
		.type = &latency_type, .help = "how long a tool call takes"},
	{"hang_tools", FIELD_BOOL, offsetof(struct mcp_behavior, hang_tools), "false",
		.help = "a tool call never returns"},
	{"read_stdin", FIELD_BOOL, offsetof(struct mcp_behavior, read_stdin), "true",
		.help = "false: once its tools were listed it reads no more"},
	{"stdout", FIELD_CHOICE, offsetof(struct mcp_behavior, stdout_mode), "normal",
		.help = "garbage before answers; or, once its tools were listed, a "
			"flood of notifications, or it fills the pipe by blocking "
			"writes at every turn, or closes it",
		.choices = stdout_names},
	{"children", FIELD_OBJECT, offsetof(struct mcp_behavior, children),
		.help = "processes that it starts with", .fields = child_fields},
	{"zombies", FIELD_INT, offsetof(struct mcp_behavior, zombies), "0",
		.help = "children that ended and that it does not wait for",
		.max = ZOMBIES_MAX},
	{"memory_mib", FIELD_INT, offsetof(struct mcp_behavior, memory_mib), "0",
		.help = "memory that it holds, in MiB", .max = MEMORY_MAX_MIB},
	{"crash", FIELD_CHOICE, offsetof(struct mcp_behavior, crash), "never",
		.help = "abort() at this moment; initialize: at its first request that is no "
			"ping",
		.choices = moment_names},
	{0},
};

void mcp_behavior_preset(struct mcp_behavior *behavior)
{
	*behavior = (struct mcp_behavior){0};
	fields_preset(mcp_fields, behavior);
}

/* What is said and can't come true, or means nothing. A count of 0 is said on purpose:
 * it is how a twin has none of what the other half has. */
static bool check(const struct mcp_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *tool = json_get(node, "tool"),
		    *children = json_get(node, "children");

	if (behavior->hang_tools && tool)
		return json_doc_wrong(doc, tool, err,
			"tool: with hang_tools a call never returns: say one of them");
	if (behavior->children.count == 0 && children && children->child &&
		!json_get(children, "count"))
		return json_doc_wrong(
			doc, children, err, "children: without a count there is none");
	return true;
}

bool mcp_behavior_read(struct mcp_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	return fields_read(mcp_fields, behavior, doc, node, "behavior", err) &&
		check(behavior, doc, node, err);
}

void mcp_behavior_done(struct mcp_behavior *behavior)
{
	fields_done(mcp_fields, behavior);
}

bool mcp_behavior_check(const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(mcp_behavior_done) struct mcp_behavior behavior;

	mcp_behavior_preset(&behavior);
	return mcp_behavior_read(&behavior, doc, node, err);
}

cJSON *mcp_behavior_schema(void)
{
	return fields_schema(mcp_fields);
}

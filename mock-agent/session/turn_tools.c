#include "mock-agent/session/turn_tools.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"
#include "mock-agent/session/reply.h"

#define MCP "mcp__"

/* The tools of agent_toolset_20260401. */
static const struct {
	const char *name, *inputs;
} own_tools[] = {
	{"bash", "command"},
	{"read", "file_path"},
	{"write", "file_path content"},
	{"edit", "file_path old_string new_string"},
	{"glob", "pattern"},
	{"grep", "pattern"},
	{"web_fetch", "url"},
	{"web_search", "query"},
};

static struct turn_tool *add(struct turn_tools *tools, struct turn_tool tool)
{
	tools->list = mem_grown(tools->list, tools->count + 1, sizeof *tools->list);
	tools->list[tools->count] = tool;
	return &tools->list[tools->count++];
}

/* What a toolset says of one of its tools; NULL: nothing of its own. */
static const cJSON *config_of(const cJSON *toolset, const char *name)
{
	const cJSON *config;

	cJSON_ArrayForEach(config, json_get(toolset, "configs")) {
		if (api_format_is(config, "name", name))
			return config;
	}
	return NULL;
}

/* A member of the tool's own configuration, or of the default one. */
static const cJSON *setting(const cJSON *toolset, const char *name, const char *member)
{
	const cJSON *own = json_get(config_of(toolset, name), member);

	return own ? own : json_get(json_get(toolset, "default_config"), member);
}

static bool is_enabled(const cJSON *toolset, const char *name)
{
	return !cJSON_IsFalse(setting(toolset, name, "enabled"));
}

static bool asks(const cJSON *toolset, const char *name)
{
	return api_format_is(
		setting(toolset, name, "permission_policy"), "type", "always_ask");
}

static void add_own(struct turn_tools *tools, const cJSON *toolset)
{
	for (unsigned i = 0; i < COUNT(own_tools); i++) {
		const char *name = own_tools[i].name;

		if (is_enabled(toolset, name))
			add(tools,
				(struct turn_tool){.kind = TURN_TOOL_OWN,
					.name = mem_text(name),
					.inputs = own_tools[i].inputs,
					.asks = asks(toolset, name)});
	}
}

static void add_mcp(struct turn_tools *tools, const cJSON *toolset, const char *name)
{
	if (is_enabled(toolset, name))
		add(tools,
			(struct turn_tool){.kind = TURN_TOOL_MCP,
				.name = mem_text(name),
				.server = json_text(toolset, "mcp_server_name"),
				.asks = asks(toolset, name)});
}

/* "tool" of "mcp__SERVER__tool"; NULL: it is another name. */
static const char *name_at_server(const char *name, const char *server)
{
	const size_t len = strlen(server);

	if (strncmp(name, MCP, strlen(MCP)) != 0)
		return NULL;
	name += strlen(MCP);
	if (strncmp(name, server, len) != 0 || strncmp(name + len, "__", 2) != 0)
		return NULL;
	return name[len + 2] ? name + len + 2 : NULL;
}

static void add_server(
	struct turn_tools *tools, const cJSON *toolset, const struct tool_calls *calls)
{
	const char *server = json_text(toolset, "mcp_server_name");
	const unsigned before = tools->count;
	const cJSON *config;

	if (!server)
		return;
	cJSON_ArrayForEach(config, json_get(toolset, "configs")) {
		if (json_text(config, "name"))
			add_mcp(tools, toolset, json_text(config, "name"));
	}
	for (unsigned i = 0; i < calls->named_count; i++) {
		const char *name = name_at_server(calls->named[i].name, server);

		if (name && !config_of(toolset, name))
			add_mcp(tools, toolset, name);
	}
	if (tools->count == before && !json_at(toolset, "configs.0"))
		add_mcp(tools, toolset, "call");
}

static void add_custom(struct turn_tools *tools)
{
	SCOPED(json_free) cJSON *custom = reply_custom_tools(tools->declared);
	const cJSON *tool;

	cJSON_ArrayForEach(tool, custom)
		add(tools,
			(struct turn_tool){.kind = TURN_TOOL_CUSTOM,
				.name = mem_text(json_text(tool, "name")),
				.schema = json_get(tool, "input_schema")});
}

void turn_tools_read(
	struct turn_tools *tools, cJSON *declared, const struct tool_calls *calls)
{
	const cJSON *tool;

	*tools = (struct turn_tools){.declared = declared};
	add_custom(tools);
	cJSON_ArrayForEach(tool, declared) {
		if (api_format_is(tool, "type", "mcp_toolset"))
			add_server(tools, tool, calls);
	}
	cJSON_ArrayForEach(tool, declared) {
		if (api_format_is(tool, "type", "agent_toolset_20260401"))
			add_own(tools, tool);
	}
}

void turn_tools_done(struct turn_tools *tools)
{
	for (unsigned i = 0; i < tools->count; i++)
		free(tools->list[i].name);
	free(tools->list);
	cJSON_Delete(tools->declared);
	*tools = (struct turn_tools){0};
}

/* By its own name, or with that of its server. */
static bool has_name(const struct turn_tool *tool, const char *name)
{
	const char *at_server =
		tool->server ? name_at_server(name, tool->server) : NULL;

	return strcmp(tool->name, at_server ? at_server : name) == 0;
}

static const struct turn_tool *find(const struct turn_tools *tools, const char *name)
{
	for (unsigned i = 0; i < tools->count; i++) {
		if (has_name(&tools->list[i], name))
			return &tools->list[i];
	}
	return NULL;
}

static bool is_offered(const void *tools, const char *name)
{
	return find(tools, name) != NULL;
}

static const struct turn_tool *tool_in_turn(
	const struct turn_tools *tools, int64_t made)
{
	unsigned custom = 0;

	/* Custom tools come first in the list. */
	while (custom < tools->count && tools->list[custom].kind == TURN_TOOL_CUSTOM)
		custom++;
	if (tools->count == 0)
		return NULL;
	return &tools->list[made % (custom > 0 ? custom : tools->count)];
}

static cJSON *input_of(const struct turn_tool *tool, const char *prompt)
{
	cJSON *input;

	if (tool->kind == TURN_TOOL_CUSTOM)
		return reply_tool_input(tool->schema, prompt);
	input = cJSON_CreateObject();
	for (const char *name = tool->inputs; name && *name;) {
		size_t len = strcspn(name, " ");
		SCOPED(mem_free) char *member = mem_textf("%.*s", (int)len, name);

		cJSON_AddStringToObject(input, member, prompt);
		name += len + strspn(name + len, " ");
	}
	return input;
}

const struct turn_tool *turn_tools_next(const struct turn_tools *tools,
	const struct tool_calls *calls, int64_t made, const char *prompt, cJSON **input)
{
	const struct tool_call *call = tool_calls_next(calls, made, is_offered, tools);
	const struct turn_tool *tool = call ? find(tools, call->name) : NULL;

	if (!tool && made < calls->count)
		tool = tool_in_turn(tools, made);
	if (!tool)
		return NULL;
	*input = call && call->input ? cJSON_Duplicate(call->input, true)
				     : input_of(tool, prompt);
	return tool;
}

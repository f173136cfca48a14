#include "service/mcp/tool_registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/mcp/mcp_config.h"
#include "service/store.h"

#define DECLARED_NAME_MAX 64

/* After a failure within this time the next session tries again. After a slower one it
 * waits PAUSE_FACTOR times as long as the failure took. */
#define QUICK_NS     (1 * CLOCK_S)
#define PAUSE_FACTOR 10

enum tools_state {
	TOOLS_UNKNOWN,
	TOOLS_CLAIMED, /* a session reads them */
	TOOLS_KNOWN,
	TOOLS_FAILED,
};

/* The tools of one server. */
struct tool_source {
	enum tools_state state;
	int64_t claimed_ns;
	int64_t again_ns; /* after a failure: when they are unknown again */
	cJSON *list;      /* NULL while unknown */
};

struct registered_tool {
	char declared[DECLARED_NAME_MAX + 1]; /* "name", if it was free */
	char full[DECLARED_NAME_MAX + 1];     /* "server__name" */
	char *name;                           /* at its server */
	unsigned server;
	UT_hash_handle by_declared, by_full;
};

struct tool_registry {
	const struct mcp_config *servers;
	struct store *store;
	struct tool_source *sources;         /* one for each server */
	struct registered_tool *by_declared; /* all, owned */
	struct registered_tool *by_full;     /* the first of each name */
	cJSON *declaration;
	bool changed; /* since it was declared */
	struct tool_registry_waiter *waiters;
};

/* The agent API takes letters, digits, '_' and '-'. */
static void add_name(char declared[DECLARED_NAME_MAX + 1], const char *name)
{
	size_t len = strlen(declared);

	for (; *name && len < DECLARED_NAME_MAX; name++, len++) {
		bool fit = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-",
				   *name) != NULL;

		declared[len] = fit ? *name : '_';
	}
	declared[len] = '\0';
}

static struct registered_tool *find_declared(
	const struct tool_registry *tools, const char *declared)
{
	struct registered_tool *found;

	HASH_FIND(by_declared, tools->by_declared, declared, strlen(declared), found);
	return found;
}

static void declare(struct tool_registry *tools, const struct registered_tool *tool,
	const cJSON *node)
{
	const char *description = json_text(node, "description");
	const cJSON *schema = json_get(node, "inputSchema");
	cJSON *entry = json_fill(NULL, "{'name': %s, 'description': %s}",
		tool->declared, description ? description : "");

	cJSON_AddItemToObject(entry, "input_schema",
		cJSON_IsObject(schema) ? cJSON_Duplicate(schema, true)
				       : json_fill(NULL, "{'type': 'object'}"));
	cJSON_AddItemToArray(tools->declaration, entry);
}

/* Takes tool. */
static void keep(struct tool_registry *tools, struct registered_tool *tool)
{
	struct registered_tool *first;

	HASH_ADD_KEYPTR(by_declared, tools->by_declared, tool->declared,
		strlen(tool->declared), tool);
	HASH_FIND(by_full, tools->by_full, tool->full, strlen(tool->full), first);
	if (!first)
		HASH_ADD_KEYPTR(
			by_full, tools->by_full, tool->full, strlen(tool->full), tool);
}

static void add_tool(struct tool_registry *tools, unsigned server, const cJSON *node)
{
	const char *name = json_text(node, "name");
	const char *server_name = tools->servers->list[server].name;
	struct registered_tool *tool;

	if (!name || *name == '\0')
		return;
	tool = mem_zeroed(sizeof *tool);
	tool->server = server;
	add_name(tool->full, server_name);
	add_name(tool->full, "__");
	add_name(tool->full, name);
	add_name(tool->declared, name);
	if (find_declared(tools, tool->declared))
		memcpy(tool->declared, tool->full, sizeof tool->declared);
	if (find_declared(tools, tool->declared)) {
		log_event("mcp.tool.hidden", "server", LOG_TEXT(server_name), "tool",
			LOG_TEXT(name), "why",
			LOG_TEXT("another tool has this name already"));
		free(tool);
		return;
	}
	tool->name = mem_text(name);
	keep(tools, tool);
	declare(tools, tool, node);
}

static void forget_tools(struct tool_registry *tools)
{
	struct registered_tool *tool, *next;

	HASH_CLEAR(by_full, tools->by_full);
	HASH_ITER(by_declared, tools->by_declared, tool, next) {
		HASH_DELETE(by_declared, tools->by_declared, tool);
		free(tool->name);
		free(tool);
	}
	cJSON_Delete(tools->declaration);
	tools->declaration = NULL;
}

/* In the order of the configuration, so that names are the same in every run. */
static void collect(struct tool_registry *tools)
{
	const cJSON *node;

	forget_tools(tools);
	tools->declaration = cJSON_CreateArray();
	for (unsigned i = 0; i < tools->servers->count; i++)
		cJSON_ArrayForEach(node, tools->sources[i].list)
			add_tool(tools, i, node);
	tools->changed = true;
}

static void load(struct tool_registry *tools)
{
	for (unsigned i = 0; i < tools->servers->count; i++) {
		SCOPED(mem_free) char *text = NULL;
		struct err err = {0};

		store_log(store_find_tools(tools->store,
				  tools->servers->list[i].fingerprint, &text, &err),
			&err);
		if (text)
			tools->sources[i].list = json_parse(text, strlen(text));
		if (tools->sources[i].list)
			tools->sources[i].state = TOOLS_KNOWN;
	}
}

struct tool_registry *tool_registry_create(
	const struct mcp_config *servers, struct store *store)
{
	struct tool_registry *tools = mem_zeroed(sizeof *tools);

	tools->servers = servers;
	tools->store = store;
	tools->sources = mem_zeroed((servers->count + 1) * sizeof *tools->sources);
	load(tools);
	collect(tools);
	return tools;
}

void tool_registry_destroy(struct tool_registry *tools)
{
	if (!tools)
		return;
	assert(!tools->waiters);
	forget_tools(tools);
	for (unsigned i = 0; i < tools->servers->count; i++)
		cJSON_Delete(tools->sources[i].list);
	free(tools->sources);
	free(tools);
}

bool tool_registry_settled(const struct tool_registry *tools)
{
	for (unsigned i = 0; i < tools->servers->count; i++)
		if (tools->sources[i].state == TOOLS_UNKNOWN ||
			tools->sources[i].state == TOOLS_CLAIMED)
			return false;
	return true;
}

static void notify_waiters(struct tool_registry *tools)
{
	struct tool_registry_waiter *waiter, *next;

	DL_FOREACH_SAFE(tools->waiters, waiter, next)
		waiter->changed(waiter->arg);
}

void tool_registry_try_again(struct tool_registry *tools)
{
	int64_t now_ns = clock_now();

	for (unsigned i = 0; i < tools->servers->count; i++) {
		struct tool_source *source = &tools->sources[i];

		if (source->state == TOOLS_FAILED && now_ns >= source->again_ns)
			source->state = TOOLS_UNKNOWN;
	}
}

bool tool_registry_claim(struct tool_registry *tools, unsigned server)
{
	struct tool_source *source = &tools->sources[server];

	if (source->state != TOOLS_UNKNOWN)
		return false;
	source->state = TOOLS_CLAIMED;
	source->claimed_ns = clock_now();
	return true;
}

void tool_registry_release(struct tool_registry *tools, unsigned server)
{
	struct tool_source *source = &tools->sources[server];

	if (source->state != TOOLS_CLAIMED)
		return;
	source->state = TOOLS_UNKNOWN;
	notify_waiters(tools);
}

void tool_registry_learn(
	struct tool_registry *tools, unsigned server, const cJSON *list)
{
	const struct mcp_server_config *config = &tools->servers->list[server];
	struct tool_source *source = &tools->sources[server];
	SCOPED(mem_free) char *text = NULL;
	struct err err = {0};

	source->state = TOOLS_KNOWN;
	if (!cJSON_Compare(source->list, list, true)) {
		cJSON_Delete(source->list);
		source->list = cJSON_Duplicate(list, true);
		collect(tools);
		text = json_print(list);
		store_log(store_save_tools(tools->store, config->name,
				  config->fingerprint, text, &err),
			&err);
	}
	notify_waiters(tools);
}

void tool_registry_failed(struct tool_registry *tools, unsigned server)
{
	struct tool_source *source = &tools->sources[server];
	int64_t now_ns = clock_now(), took_ns = now_ns - source->claimed_ns;

	if (source->state == TOOLS_KNOWN)
		return;
	if (source->state == TOOLS_CLAIMED && took_ns > QUICK_NS)
		source->again_ns = now_ns + PAUSE_FACTOR * took_ns;
	source->state = TOOLS_FAILED;
	notify_waiters(tools);
}

void tool_registry_wait(
	struct tool_registry *tools, struct tool_registry_waiter *waiter)
{
	if (waiter->waiting)
		return;
	waiter->waiting = true;
	DL_APPEND(tools->waiters, waiter);
}

void tool_registry_unwait(
	struct tool_registry *tools, struct tool_registry_waiter *waiter)
{
	if (!waiter->waiting)
		return;
	waiter->waiting = false;
	DL_DELETE(tools->waiters, waiter);
}

const cJSON *tool_registry_declare(struct tool_registry *tools)
{
	bool changed = tools->changed;

	tools->changed = false;
	return changed ? tools->declaration : NULL;
}

bool tool_registry_find(const struct tool_registry *tools, const char *name,
	unsigned *server, const char **tool)
{
	struct registered_tool *found = find_declared(tools, name);

	if (!found)
		HASH_FIND(by_full, tools->by_full, name, strlen(name), found);
	if (!found)
		return false;
	*server = found->server;
	*tool = found->name;
	return true;
}

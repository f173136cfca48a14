#include "harness/scenario/mcp_list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/behavior.h"

static void done_mcp(void *out)
{
	struct mcp_list *list = out;

	for (unsigned i = 0; i < list->count; i++) {
		free(list->server[i].name);
		free(list->server[i].json);
	}
	free(list->server);
	*list = (struct mcp_list){0};
}

static bool read_server(struct mcp_list *list, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *name = json_text(node, "name");
	const char *transport = json_text(node, "transport");

	if (list->count == SCENARIO_MCP_MAX)
		return json_doc_wrong(
			doc, node, err, "more than %d MCP servers", SCENARIO_MCP_MAX);
	if (!mcp_behavior_check(doc, node, err))
		return false;
	if (!name || !name[0])
		return json_doc_wrong(doc, node, err, "mcp: its name is missing");
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->server[i].name, name) == 0)
			return json_doc_wrong(doc, node, err,
				"mcp: two servers are named \"%s\"", name);
	list->server = mem_grown(list->server, list->count + 1, sizeof *list->server);
	list->server[list->count++] = (struct mcp_server){
		.name = mem_text(name),
		.json = json_print(node),
		.is_http = transport && strcmp(transport, "http") == 0,
	};
	return true;
}

static bool read_mcp(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct mcp_list list = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"mcp: expected a list such as [{\"name\": \"skills\"}], not %s",
			json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!read_server(&list, doc, item, err)) {
			done_mcp(&list);
			return false;
		}
	}
	done_mcp(out);
	*(struct mcp_list *)out = list;
	return true;
}

static cJSON *mcp_schema(void)
{
	cJSON *schema = json_fill(NULL, "{'type': 'array'}");

	cJSON_AddItemToObject(schema, "items", mcp_behavior_schema());
	return schema;
}

const struct field_type mcp_list_type = {
	.read = read_mcp, .done = done_mcp, .schema = mcp_schema, .open = true};

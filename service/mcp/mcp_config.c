#include "service/mcp/mcp_config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

bool mcp_config_is_text(const char *setting)
{
	return setting[strspn(setting, " \t\r\n")] == '{';
}

static bool read_server(struct mcp_config *servers, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct mcp_server_config *server = &servers->list[servers->count];

	if (servers->count == MCP_CONFIG_SERVERS_MAX)
		return json_doc_wrong(
			doc, node, err, "more than %d servers", MCP_CONFIG_SERVERS_MAX);
	if (!mcp_server_config_read(server, doc, node, err)) {
		mcp_server_config_done(server);
		return false;
	}
	if (server->disabled)
		mcp_server_config_done(server);
	else
		servers->count++;
	return true;
}

static bool read_all(
	struct mcp_config *servers, const struct json_doc *doc, struct err *err)
{
	const cJSON *all = json_get(doc->root, "mcpServers"), *node;

	if (!cJSON_IsObject(doc->root))
		return json_doc_wrong(doc, doc->root, err, "expected an object, not %s",
			json_kind(doc->root));
	if (!all)
		return json_doc_wrong(doc, doc->root, err, "\"mcpServers\" is missing");
	if (!cJSON_IsObject(all))
		return json_doc_wrong(doc, all, err,
			"mcpServers: expected an object, not %s", json_kind(all));
	cJSON_ArrayForEach(node, all)
		if (!read_server(servers, doc, node, err))
			return false;
	return true;
}

bool mcp_config_read(struct mcp_config *config, const char *setting, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct mcp_config made = {0};

	if (mcp_config_is_text(setting)
			? !json_doc_parse(&doc, "text", setting, strlen(setting), err)
			: !json_doc_read(&doc, setting, err))
		return false;
	made.list = mem_zeroed(MCP_CONFIG_SERVERS_MAX * sizeof *made.list);
	if (!read_all(&made, &doc, err)) {
		mcp_config_done(&made);
		return false;
	}
	config->list = made.list;
	config->count = made.count;
	return true;
}

void mcp_config_done(struct mcp_config *config)
{
	for (unsigned i = 0; i < config->count; i++)
		mcp_server_config_done(&config->list[i]);
	free(config->list);
	*config = (struct mcp_config){0};
}

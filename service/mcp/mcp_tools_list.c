#include "service/mcp/mcp_tools_list.h"

#include "lib/json.h"
#include "lib/mem.h"

#define PAGES_MAX 100 /* a cursor that leads in circles ends */

static void on_page(void *arg, const struct jsonrpc_answer *answer);

/* Sent at once, also in the handshake, of which it is a part. */
static void ask(struct mcp_tools_list *list, const char *cursor)
{
	cJSON *params = cJSON_CreateObject();

	if (cursor)
		cJSON_AddStringToObject(params, "cursor", cursor);
	list->pages++;
	jsonrpc_ask(list->rpc, JSONRPC_HANDSHAKE, "tools/list", params,
		list->deadline_ns, on_page, list);
}

static void begin(struct mcp_tools_list *list, int64_t deadline_ns)
{
	cJSON_Delete(list->tools);
	list->tools = cJSON_CreateArray();
	list->pages = 0;
	list->reading = true;
	list->deadline_ns = deadline_ns;
	list->again_by_ns = 0;
	ask(list, NULL);
}

static void finish(struct mcp_tools_list *list, const char *why)
{
	list->reading = false;
	if (list->done)
		list->done(list->arg, why ? NULL : list->tools, why);
	if (list->done && list->again_by_ns)
		begin(list, list->again_by_ns);
}

static void on_page(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_tools_list *list = arg;
	const cJSON *tools = json_get(answer->result, "tools");
	const char *cursor = json_text(answer->result, "nextCursor");
	const cJSON *tool;

	if (!answer->result && answer->code != JSONRPC_METHOD_NOT_FOUND) {
		SCOPED(mem_free) char *why = mem_textf("tools/list: %s", answer->why);

		finish(list, why);
		return;
	}
	if (answer->result && !cJSON_IsArray(tools)) {
		finish(list, "tools/list: its answer has no tools");
		return;
	}
	/* a server need not know tools/list: then it has none */
	cJSON_ArrayForEach(tool, tools) {
		if (json_text(tool, "name"))
			cJSON_AddItemToArray(list->tools, cJSON_Duplicate(tool, true));
	}
	if (!cursor || !*cursor)
		finish(list, NULL);
	else if (list->pages < PAGES_MAX)
		ask(list, cursor);
	else
		finish(list, "tools/list: it has no last page");
}

void mcp_tools_list_init(struct mcp_tools_list *list, struct jsonrpc *rpc,
	mcp_listed_fn *done, void *arg)
{
	*list = (struct mcp_tools_list){.rpc = rpc, .done = done, .arg = arg};
}

void mcp_tools_list_done(struct mcp_tools_list *list)
{
	cJSON_Delete(list->tools);
}

void mcp_tools_list_read(struct mcp_tools_list *list, int64_t deadline_ns)
{
	if (list->reading)
		list->again_by_ns = deadline_ns;
	else
		begin(list, deadline_ns);
}

void mcp_tools_list_stop(struct mcp_tools_list *list)
{
	list->done = NULL;
}

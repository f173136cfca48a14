#include "mock-mcp/features/resources.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/features/samples.h"

#define TEMPLATE_BEGIN "test://template/"
#define TEMPLATE_END   "/data"

static const struct resource {
	const char *uri, *name, *help, *type;
	const char *text, *blob; /* NULL both: it changes */
} resources[] = {
	{"test://static-text", "Static text", "A text that never changes.",
		"text/plain", "This is the content of the static text resource.", NULL},
	{"test://static-binary", "Static picture", "One red pixel.", "image/png", NULL,
		SAMPLE_PNG},
	{RESOURCES_WATCHED, "Watched resource",
		"Counts the calls of the tool touch_resource, which subscribers hear of.",
		"text/plain", NULL, NULL},
};

/* False: it has been refused. */
static bool check_cursor(struct call *call, const cJSON *params)
{
	if (!json_get(params, "cursor"))
		return true;
	call_refuse(call, JSONRPC_INVALID_PARAMS,
		"params.cursor: there is only one page", NULL);
	return false;
}

void resources_list(struct call *call, const cJSON *params)
{
	cJSON *result, *list;

	if (!check_cursor(call, params))
		return;
	result = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(result, "resources");
	for (unsigned i = 0; i < COUNT(resources); i++)
		cJSON_AddItemToArray(list,
			json_fill(NULL,
				"{'uri': %s, 'name': %s, 'description': %s, "
				"'mimeType': %s}",
				resources[i].uri, resources[i].name, resources[i].help,
				resources[i].type));
	call_answer_cacheable(call, result);
}

void resources_templates(struct call *call, const cJSON *params)
{
	if (check_cursor(call, params))
		call_answer_cacheable(call,
			json_fill(NULL,
				"{'resourceTemplates': [{'uriTemplate': "
				"'" RESOURCES_TEMPLATE "', 'name': 'Template', "
				"'description': 'Data for the id.', 'mimeType': "
				"'application/json'}]}"));
}

/* Takes content, which gets its uri. */
static void answer_with(struct call *call, const char *uri, cJSON *content)
{
	cJSON *result = cJSON_CreateObject();
	cJSON *contents = cJSON_AddArrayToObject(result, "contents");

	cJSON_AddItemToArray(contents, json_fill(content, "{'uri': %s}", uri));
	call_answer_cacheable(call, result);
}

/* The id in a URI of the template; NULL: it has another form. The caller's. */
static char *template_id(const char *uri)
{
	size_t begin = strlen(TEMPLATE_BEGIN), end = strlen(TEMPLATE_END);
	size_t len = strlen(uri);
	char *id;

	if (len <= begin + end || strncmp(uri, TEMPLATE_BEGIN, begin) != 0 ||
		strcmp(uri + len - end, TEMPLATE_END) != 0)
		return NULL;
	id = mem_text(uri + begin);
	id[len - begin - end] = '\0';
	return id;
}

static void answer_template(struct call *call, const char *uri, const char *id)
{
	SCOPED(mem_free) char *data = mem_textf("Data for ID: %s", id);
	SCOPED(json_free) cJSON *node = json_fill(
		NULL, "{'id': %s, 'templateTest': true, 'data': %s}", id, data);
	SCOPED(mem_free) char *text = json_print(node);

	answer_with(call, uri,
		json_fill(NULL, "{'mimeType': 'application/json', 'text': %s}", text));
}

static void answer_resource(struct call *call, const struct resource *resource)
{
	cJSON *content = json_fill(NULL, "{'mimeType': %s}", resource->type);

	if (resource->text) {
		json_fill(content, "{'text': %s}", resource->text);
	} else if (resource->blob) {
		json_fill(content, "{'blob': %s}", resource->blob);
	} else {
		SCOPED(mem_free) char *text = mem_textf(
			"Touched %u times.", call->peer->options.peers->updates);

		json_fill(content, "{'text': %s}", text);
	}
	answer_with(call, resource->uri, content);
}

void resources_read(struct call *call, const cJSON *params)
{
	const char *uri = json_text(params, "uri");
	SCOPED(mem_free) char *id = uri ? template_id(uri) : NULL;

	if (!uri) {
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"resources/read: expected params.uri (a string)", NULL);
		return;
	}
	if (id) {
		answer_template(call, uri, id);
		return;
	}
	for (unsigned i = 0; i < COUNT(resources); i++) {
		if (!strcmp(resources[i].uri, uri)) {
			answer_resource(call, &resources[i]);
			return;
		}
	}
	call_refuse(call,
		call->style == PROTOCOL_STATELESS ? JSONRPC_INVALID_PARAMS
						  : JSONRPC_RESOURCE_NOT_FOUND,
		"Resource not found", json_fill(NULL, "{'uri': %s}", uri));
}

#include "mock-mcp/features/completion.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "mock-mcp/features/prompts.h"
#include "mock-mcp/features/resources.h"

/* What every argument may be: the values that begin like what was typed. */
static const char *const words[] = {
	"apple", "apricot", "test", "testing", "test://static-text", "123", "124"};

static bool refers_to_something(const cJSON *ref, const char *argument)
{
	const char *type = json_text(ref, "type");
	const char *name = json_text(ref, "name"), *uri = json_text(ref, "uri");

	if (type && !strcmp(type, "ref/prompt"))
		return name && prompts_has_argument(name, argument);
	return type && !strcmp(type, "ref/resource") && uri &&
		!strcmp(uri, RESOURCES_TEMPLATE) && !strcmp(argument, "id");
}

static cJSON *complete(const char *typed)
{
	cJSON *result = json_fill(NULL, "{'completion': {'hasMore': false}}");
	cJSON *completion = cJSON_GetObjectItemCaseSensitive(result, "completion");
	cJSON *values = cJSON_AddArrayToObject(completion, "values");

	for (unsigned i = 0; i < COUNT(words); i++)
		if (!strncmp(words[i], typed, strlen(typed)))
			cJSON_AddItemToArray(values, cJSON_CreateString(words[i]));
	json_add_int(completion, "total", cJSON_GetArraySize(values));
	return result;
}

void completion_complete(struct call *call, const cJSON *params)
{
	const cJSON *argument = json_get(params, "argument");
	const char *name = json_text(argument, "name");
	const char *typed = json_text(argument, "value");

	if (!name || !typed || !refers_to_something(json_get(params, "ref"), name))
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"completion/complete: expected params.ref (of a prompt or a "
			"resource template) and params.argument (the name of its "
			"argument, and a value)",
			NULL);
	else
		call_answer(call, complete(typed));
}

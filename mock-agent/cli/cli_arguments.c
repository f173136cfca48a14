#include "mock-agent/cli/cli_arguments.h"

#include <string.h>

#include "lib/json.h"

#define MODEL "claude-sonnet-5"

/* The value of this flag at *at, or NULL; a value of its own argument is stepped over. */
static const char *value_of(char ***at, const char *flag)
{
	const char *argument = **at;
	size_t len = strlen(flag);

	if (strncmp(argument, flag, len) != 0)
		return NULL;
	if (argument[len] == '=')
		return argument + len + 1;
	if (argument[len] != '\0' || !(*at)[1])
		return NULL;
	++*at;
	return **at;
}

/* JSON, or the path of a file with it. */
static bool read_servers(
	struct cli_arguments *arguments, const char *given, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	const cJSON *server;

	if (!json_doc_given(&doc, "--mcp-config", given, err))
		return false;
	cJSON_ArrayForEach(server, json_get(doc.root, "mcpServers")) {
		if (!cJSON_IsObject(server))
			return json_doc_wrong(&doc, server, err,
				"mcpServers: expected an object, not %s",
				json_kind(server));
		cJSON_DeleteItemFromObjectCaseSensitive(
			arguments->servers, server->string);
		cJSON_AddItemToObject(arguments->servers, server->string,
			cJSON_Duplicate(server, true));
	}
	return true;
}

static bool is_one_of(const char *argument, const char *brief, const char *whole)
{
	return strcmp(argument, brief) == 0 || strcmp(argument, whole) == 0;
}

bool cli_arguments_read(struct cli_arguments *arguments, char **argv, struct err *err)
{
	*arguments =
		(struct cli_arguments){.model = MODEL, .servers = cJSON_CreateObject()};
	for (char **at = argv + 1; *at; at++) {
		const char *value;

		if (is_one_of(*at, "-v", "--version"))
			arguments->version = true;
		else if (is_one_of(*at, "-h", "--help"))
			arguments->help = true;
		else if ((value = value_of(&at, "--model")))
			arguments->model = value;
		else if ((value = value_of(&at, "--session-id")) ||
			(value = value_of(&at, "--resume")))
			arguments->session_id = value;
		else if ((value = value_of(&at, "--mcp-config")) &&
			!read_servers(arguments, value, err))
			return false;
	}
	return true;
}

void cli_arguments_done(struct cli_arguments *arguments)
{
	cJSON_Delete(arguments->servers);
}

#include "service/mcp/mcp_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/suggest.h"

#define NAME_MAX_LEN 128

/* Not passed on to servers: our keys, the path of our state, and the configuration of
 * all servers, where each server's `env` may hold keys of its own. */
static const char *const secrets[] = {
	"AGENT_KEY", "WEBHOOK_TOKEN", "MCP_CONFIG", "STORE"};

static const char *const keys[] = {"command", "args", "env", "type"};

bool mcp_config_is_text(const char *setting)
{
	return setting[strspn(setting, " \t\r\n")] == '{';
}

static bool check_keys(const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, node) {
		const char *near = suggest_name(member->string, keys, COUNT(keys));

		if (near && strcmp(near, member->string) == 0)
			continue;
		return json_doc_wrong(doc, member, err, "%.100s: unknown key%s%s%s",
			member->string, near ? ", did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
	}
	return true;
}

static bool read_command(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *command = json_get(node, "command"),
		    *args = json_get(node, "args");
	const cJSON *type = json_get(node, "type"), *arg;

	if (type && (!cJSON_IsString(type) || strcmp(type->valuestring, "stdio") != 0))
		return json_doc_wrong(doc, type, err,
			"type: only \"stdio\" servers are children of a session");
	if (!command)
		return json_doc_wrong(doc, node, err, "\"command\" is missing");
	if (!cJSON_IsString(command) || command->valuestring[0] == '\0')
		return json_doc_wrong(doc, command, err,
			"command: expected the program's name or path, not %s",
			cJSON_IsString(command) ? "\"\"" : json_kind(command));
	strlist_add(&server->argv, "%s", command->valuestring);
	if (args && !cJSON_IsArray(args))
		return json_doc_wrong(doc, args, err,
			"args: expected an array of strings, not %s", json_kind(args));
	cJSON_ArrayForEach(arg, args) {
		if (!cJSON_IsString(arg))
			return json_doc_wrong(doc, arg, err,
				"args: expected a string, not %s", json_kind(arg));
		strlist_add(&server->argv, "%s", arg->valuestring);
	}
	return true;
}

static bool read_env(struct mcp_server_config *server, const struct json_doc *doc,
	const cJSON *env, struct err *err)
{
	const cJSON *member;

	if (env && !cJSON_IsObject(env))
		return json_doc_wrong(doc, env, err,
			"env: expected an object of strings, not %s", json_kind(env));
	cJSON_ArrayForEach(member, env) {
		if (member->string[0] == '\0' || strchr(member->string, '='))
			return json_doc_wrong(doc, member, err,
				"env: \"%.100s\" is no variable's name",
				member->string);
		if (!cJSON_IsString(member))
			return json_doc_wrong(doc, member, err,
				"env: %.100s: expected a string, not %s",
				member->string, json_kind(member));
		strlist_add(&server->env, "%s=%s", member->string, member->valuestring);
	}
	return true;
}

static uint64_t fingerprint(const struct mcp_server_config *server)
{
	uint64_t hash = hash_text(HASH_BASIS, server->name);

	for (unsigned i = 0; i < server->argv.count; i++)
		hash = hash_text(hash, server->argv.item[i]);
	hash = hash_text(hash, "");
	for (unsigned i = 0; i < server->env.count; i++)
		hash = hash_text(hash, server->env.item[i]);
	return hash;
}

static bool read_server(struct mcp_config *servers, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct mcp_server_config *server = &servers->list[servers->count];

	if (servers->count == MCP_CONFIG_SERVERS_MAX)
		return json_doc_wrong(
			doc, node, err, "more than %d servers", MCP_CONFIG_SERVERS_MAX);
	if (node->string[0] == '\0' || strlen(node->string) > NAME_MAX_LEN)
		return json_doc_wrong(doc, node, err,
			"a server's name has 1 to %d bytes", NAME_MAX_LEN);
	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err, "%s: expected an object, not %s",
			node->string, json_kind(node));
	servers->count++;
	server->name = mem_text(node->string);
	if (!check_keys(doc, node, err) || !read_command(server, doc, node, err) ||
		!read_env(server, doc, json_get(node, "env"), err))
		return false;
	server->fingerprint = fingerprint(server);
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
	for (unsigned i = 0; i < config->count; i++) {
		free(config->list[i].name);
		strlist_done(&config->list[i].argv);
		strlist_done(&config->list[i].env);
	}
	free(config->list);
	*config = (struct mcp_config){0};
}

/* Of "NAME=value" or "NAME". */
static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strcspn(b, "=") == len && memcmp(a, b, len) == 0;
}

static bool is_secret(const char *pair)
{
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (same_name(pair, secrets[i]))
			return true;
	return false;
}

/* Adds pair, or replaces the pair of that name. */
static void put(struct strlist *env, const char *pair)
{
	for (unsigned i = 0; i < env->count; i++) {
		if (same_name(env->item[i], pair)) {
			free(env->item[i]);
			env->item[i] = mem_text(pair);
			return;
		}
	}
	strlist_add(env, "%s", pair);
}

void mcp_config_env(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *env)
{
	SCOPED(mem_free) char *session_room = mem_textf("SESSION_ROOM=%s", room);
	SCOPED(mem_free) char *session_bot = mem_textf("SESSION_BOT=%s", bot);

	for (char **pair = environ; pair && *pair; pair++)
		if (!is_secret(*pair))
			put(env, *pair);
	put(env, session_room);
	put(env, session_bot);
	for (unsigned i = 0; i < server->env.count; i++)
		put(env, server->env.item[i]);
}

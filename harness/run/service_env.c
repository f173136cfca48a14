#include "harness/run/service_env.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/placeholders.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/lifeline.h"
#include "lib/mem.h"

#define AGENT_KEY "stopbench" /* the mock agent API accepts any */

static void add_program(
	cJSON *server, const struct service_env *env, const char *behavior)
{
	SCOPED(mem_free) char *seed = mem_textf("%llu", (unsigned long long)env->seed);
	const char *args[] = {
		"--behavior", behavior, "--seed", seed, "--ledger", env->ledger};

	cJSON_AddStringToObject(server, "command", "mock-mcp");
	cJSON_AddItemToObject(server, "args",
		cJSON_CreateStringArray(
			args, env->ledger ? COUNT(args) : COUNT(args) - 2));
}

/* Our own service says which session each request is of. */
static void add_address(cJSON *server, const struct service_env *env, const char *url)
{
	json_fill(server, "{'type': 'http', 'url': %s}", url);
	if (scenario_is_ours(env->scenario))
		json_fill(server, "{'headers': {'X-Session-Room': '${SESSION_ROOM}'}}");
}

/* {"mcpServers": {"skills": {"command": "mock-mcp", "args": [...]}}}, the field's usual
 * form, so that a scenario tests what operators write. */
static char *mcp_config(const struct service_env *env)
{
	const struct mcp_list *mcp = &env->scenario->mcp;
	SCOPED(json_free) cJSON *config = cJSON_CreateObject();
	cJSON *servers = cJSON_AddObjectToObject(config, "mcpServers");

	for (unsigned i = 0; i < mcp->count; i++) {
		const char *url = env->mcp_urls ? env->mcp_urls[i] : NULL;
		cJSON *server = cJSON_AddObjectToObject(servers, mcp->server[i].name);

		if (url)
			add_address(server, env, url);
		else
			add_program(server, env, mcp->server[i].json);
	}
	return json_print(config);
}

static bool has_cli(const struct service_env *env)
{
	const char *agent = scenario_env(env->scenario, "AGENT");

	return scenario_is_ours(env->scenario) && env->agent_url && agent &&
		strcmp(agent, "cli") == 0;
}

/* Of AGENT=cli: whose requests they are is in the base URL, and the stand-in's behavior is
 * that of the agent. */
static void add_cli(struct strlist *texts, const struct service_env *env)
{
	strlist_add(texts, "AGENT_URL={agent_url}/room/{{room}}");
	strlist_add(texts, "CLI_PATH=mock-cli");
	strlist_add(texts, "MOCK_CLI_SEED=%llu", (unsigned long long)env->seed);
}

/* Of a rollout, each client may have one, at any task. */
static int64_t sessions_of(const struct scenario *scenario)
{
	return scenario_has_rollout(scenario) ? scenario->load.request.concurrency
					      : scenario->load.sessions;
}

static void add_ours(struct strlist *texts, const struct service_env *env)
{
	static const char *const pairs[] = {
		"PORT={port}",
		"GRACE={grace}",
		"SESSION_END=archive",
		"MCP_START=session",
	};
	static const char *const agent_pairs[] = {
		"AGENT_URL={agent_url}",
		"AGENT_KEY={agent_key}",
		"MCP_CONFIG={mcp_config}",
	};

	if (env->ledger)
		strlist_add(texts, LIFELINE_ENV "={ledger}");
	for (size_t i = 0; i < COUNT(pairs); i++)
		strlist_add(texts, "%s", pairs[i]);
	for (size_t i = 0; env->agent_url && i < COUNT(agent_pairs); i++)
		strlist_add(texts, "%s", agent_pairs[i]);
	if (has_cli(env))
		add_cli(texts, env);
	strlist_add(texts, "HOST=%s", env->host);
	strlist_add(texts, "SESSION_LIMIT=%lld",
		(long long)sessions_of(env->scenario) + 16);
}

struct strlist service_env_list(const struct service_env *env)
{
	const struct strlist *own = &env->scenario->service.env;
	const struct strlist *file = &env->scenario->service.container.env_file;
	SCOPED(strlist_done) struct strlist texts = {0};
	SCOPED(strlist_done) struct strlist pairs = {0};
	struct strlist list = {0};

	if (scenario_is_ours(env->scenario))
		add_ours(&texts, env);
	for (unsigned i = 0; i < own->count; i++)
		strlist_add(&texts, "%s", own->item[i]);
	pairs = service_env_expand(env, &texts);
	if (has_cli(env) && env->scenario->agent_json)
		strlist_add(&pairs, "MOCK_CLI_BEHAVIOR=%s", env->scenario->agent_json);
	for (unsigned i = 0; i < file->count; i++)
		strlist_put(&list, file->item[i]);
	for (unsigned i = 0; i < pairs.count; i++)
		strlist_put(&list, pairs.item[i]);
	return list;
}

struct strlist service_env_expand(
	const struct service_env *env, const struct strlist *texts)
{
	SCOPED(mem_free) char *config = mcp_config(env);
	SCOPED(mem_free) char *port = mem_textf("%lld", (long long)env->port);
	/* In ns, never rounded: the service plans with it. */
	SCOPED(mem_free) char *grace =
		mem_textf("%lldns", (long long)env->scenario->stop.grace_ns);
	const char *const values[PLACEHOLDERS] = {
		[PLACEHOLDER_AGENT_URL] = env->agent_url,
		[PLACEHOLDER_AGENT_KEY] = AGENT_KEY,
		[PLACEHOLDER_MCP_CONFIG] = config,
		[PLACEHOLDER_PORT] = port,
		[PLACEHOLDER_LEDGER] = env->ledger,
		[PLACEHOLDER_GRACE] = grace,
	};
	struct strlist list = {0};

	for (unsigned i = 0; i < texts->count; i++) {
		SCOPED(mem_free)
		char *text = placeholders_expand(texts->item[i], values);

		strlist_add(&list, "%s", text);
	}
	return list;
}

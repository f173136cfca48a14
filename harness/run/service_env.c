#include "harness/run/service_env.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/placeholders.h"
#include "lib/json.h"
#include "lib/lifeline.h"
#include "lib/mem.h"

#define AGENT_KEY "stopbench" /* the mock agent API accepts any */

/* Takes pair. A name that is there already gets the new value. */
static void put(struct strlist *list, char *pair)
{
	size_t name_len = strcspn(pair, "=") + 1;

	for (unsigned i = 0; i < list->count; i++) {
		if (strncmp(list->item[i], pair, name_len) == 0) {
			free(list->item[i]);
			list->item[i] = pair;
			return;
		}
	}
	strlist_add(list, "%s", pair);
	free(pair);
}

/* {"mcpServers": {"skills": {"command": "mock-mcp", "args": [...]}}}, the field's usual
 * form, so that a scenario tests what operators write. */
static char *mcp_config(const struct service_env *env)
{
	const struct mcp_list *mcp = &env->scenario->mcp;
	SCOPED(mem_free) char *seed = mem_textf("%llu", (unsigned long long)env->seed);
	SCOPED(json_free) cJSON *config = cJSON_CreateObject();
	cJSON *servers = cJSON_AddObjectToObject(config, "mcpServers");

	for (unsigned i = 0; i < mcp->count; i++) {
		const char *args[] = {"--behavior", mcp->server[i].json, "--seed", seed,
			"--ledger", env->ledger};
		cJSON *server = cJSON_AddObjectToObject(servers, mcp->server[i].name);

		cJSON_AddStringToObject(server, "command", "mock-mcp");
		cJSON_AddItemToObject(
			server, "args", cJSON_CreateStringArray(args, COUNT(args)));
	}
	return json_print(config);
}

/* In ns, never rounded: the service plans with it. */
static char *grace_text(const struct service_env *env)
{
	return mem_textf("%lldns", (long long)env->scenario->stop.grace_ns);
}

static void put_ours(struct strlist *list, const struct service_env *env)
{
	SCOPED(mem_free) char *grace = grace_text(env);

	put(list, mem_textf("%s=%s", LIFELINE_ENV, env->ledger));
	put(list, mem_textf("HOST=%s", env->host));
	put(list, mem_textf("PORT=%lld", (long long)env->port));
	put(list, mem_textf("GRACE=%s", grace));
	put(list,
		mem_textf("SESSION_LIMIT=%lld",
			(long long)env->scenario->load.sessions + 16));
	put(list, mem_text("SESSION_END=archive"));
	put(list, mem_text("MCP_START=session"));
	if (env->agent_url) {
		SCOPED(mem_free) char *config = mcp_config(env);

		put(list, mem_textf("AGENT_URL=%s", env->agent_url));
		put(list, mem_text("AGENT_KEY=" AGENT_KEY));
		put(list, mem_textf("MCP_CONFIG=%s", config));
	}
}

struct strlist service_env_list(const struct service_env *env)
{
	struct strlist own = service_env_expand(env, &env->scenario->service.env);
	struct strlist list = {0};

	if (scenario_is_ours(env->scenario))
		put_ours(&list, env);
	for (unsigned i = 0; i < own.count; i++)
		put(&list, mem_text(own.item[i]));
	strlist_done(&own);
	return list;
}

struct strlist service_env_expand(
	const struct service_env *env, const struct strlist *texts)
{
	SCOPED(mem_free) char *config = mcp_config(env);
	SCOPED(mem_free) char *port = mem_textf("%lld", (long long)env->port);
	SCOPED(mem_free) char *grace = grace_text(env);
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

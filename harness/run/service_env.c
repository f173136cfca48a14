#include "harness/run/service_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lifeline.h"
#include "lib/mem.h"

/* Takes pair. A name that is there already gets the new value. */
static void put(struct strlist *env, char *pair)
{
	size_t name_len = strcspn(pair, "=") + 1;

	for (unsigned i = 0; i < env->count; i++) {
		if (strncmp(env->item[i], pair, name_len) == 0) {
			free(env->item[i]);
			env->item[i] = pair;
			return;
		}
	}
	env->item = mem_grown(env->item, env->count + 2, sizeof *env->item);
	env->item[env->count++] = pair;
	env->item[env->count] = NULL;
}

/* {"mcpServers": {"skills": {"command": "mock-mcp", "args": [...]}}}, the field's usual
 * form, so that a scenario tests what operators write. */
static char *mcp_config(const struct scenario *scenario, uint64_t seed)
{
	SCOPED(mem_free) char *seed_text = mem_textf("%llu", (unsigned long long)seed);
	SCOPED(json_free) cJSON *config = cJSON_CreateObject();
	cJSON *servers = cJSON_AddObjectToObject(config, "mcpServers");

	for (unsigned i = 0; i < scenario->mcp.count; i++) {
		const char *name = scenario->mcp.server[i].name;
		const char *args[] = {
			"--behavior", scenario->mcp.json[i], "--seed", seed_text};
		cJSON *server = cJSON_AddObjectToObject(servers, name);

		cJSON_AddStringToObject(server, "command", "mock-mcp");
		cJSON_AddItemToObject(
			server, "args", cJSON_CreateStringArray(args, COUNT(args)));
	}
	return json_print(config);
}

/* The scenario's own variables, with their placeholders replaced. */
static void put_own(struct strlist *env, const struct service_env *spec,
	const struct scenario *scenario)
{
	SCOPED(mem_free) char *config =
		spec->agent_url ? mcp_config(scenario, spec->seed) : NULL;
	SCOPED(mem_free) char *port =
		mem_textf("%lld", (long long)scenario->service.port);
	SCOPED(mem_free) char *grace =
		mem_textf("%lldns", (long long)scenario->stop.grace_ns);
	const char *const values[PLACEHOLDERS] = {
		[PLACEHOLDER_AGENT_URL] = spec->agent_url,
		[PLACEHOLDER_AGENT_KEY] = "stopbench",
		[PLACEHOLDER_MCP_CONFIG] = config,
		[PLACEHOLDER_PORT] = port,
		[PLACEHOLDER_LEDGER] = spec->ledger,
		[PLACEHOLDER_GRACE] = grace,
	};

	for (unsigned i = 0; i < scenario->service.env.count; i++)
		put(env, placeholders_expand(scenario->service.env.item[i], values));
}

struct strlist service_env_env(
	const struct service_env *spec, const struct scenario *scenario)
{
	struct strlist env = {0};
	char grace[CLOCK_TEXT_SIZE];

	put(&env, mem_textf("%s=%s", LIFELINE_ENV, spec->ledger));
	put(&env, mem_textf("HOST=%s", spec->host));
	put(&env, mem_textf("PORT=%lld", (long long)scenario->service.port));
	/* Written out in ns: the service plans with it, it must not be rounded. */
	snprintf(grace, sizeof grace, "%lldns", (long long)scenario->stop.grace_ns);
	put(&env, mem_textf("GRACE=%s", grace));
	put(&env,
		mem_textf(
			"SESSION_LIMIT=%lld", (long long)scenario->load.sessions + 16));
	put(&env, mem_text("SESSION_END=archive"));
	put(&env, mem_text("MCP_START=session"));
	if (spec->agent_url) {
		SCOPED(mem_free) char *config = mcp_config(scenario, spec->seed);

		put(&env, mem_textf("AGENT_URL=%s", spec->agent_url));
		put(&env, mem_text("AGENT_KEY=stopbench"));
		put(&env, mem_textf("MCP_CONFIG=%s", config));
	}
	put_own(&env, spec, scenario);
	return env;
}

void service_env_free(struct strlist *env)
{
	for (unsigned i = 0; i < env->count; i++)
		free(env->item[i]);
	free(env->item);
	*env = (struct strlist){0};
}

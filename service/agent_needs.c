#include "service/agent_needs.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* One of the two. */
struct thing {
	struct agent_needs *needs;
	const char *path;
	char *id;                /* NULL until it is there */
	struct agent_call *call; /* that creates it */
};

struct agent_needs {
	struct agent_wire *wire;
	char *name;
	char *model;
	cJSON *tools;
	int64_t request_ns;
	struct thing agent;
	struct thing environment;
	struct agent_need *waiting; /* first come, first told */
	unsigned round;             /* one for each time that all who wait are told */
};

struct agent_needs *agent_needs_create(struct agent_wire *wire, const char *agent_id,
	const char *environment_id, const char *name, const char *model,
	int64_t request_ns)
{
	struct agent_needs *needs = mem_zeroed(sizeof *needs);

	*needs = (struct agent_needs){
		.wire = wire,
		.name = mem_text(name),
		.model = mem_text(model),
		.tools = cJSON_CreateArray(),
		.request_ns = request_ns,
		.agent = {needs, "/v1/agents", mem_text(agent_id), NULL},
		.environment = {needs, "/v1/environments", mem_text(environment_id),
			NULL},
	};
	return needs;
}

void agent_needs_destroy(struct agent_needs *needs)
{
	if (!needs)
		return;
	agent_call_cancel(needs->agent.call);
	agent_call_cancel(needs->environment.call);
	free(needs->agent.id);
	free(needs->environment.id);
	cJSON_Delete(needs->tools);
	free(needs->model);
	free(needs->name);
	free(needs);
}

void agent_needs_set_tools(struct agent_needs *needs, const cJSON *tools)
{
	cJSON *tool;

	cJSON_Delete(needs->tools);
	needs->tools = cJSON_Duplicate(tools, true);
	cJSON_ArrayForEach(tool, needs->tools)
		cJSON_AddStringToObject(tool, "type", "custom");
}

/* Those who come to wait meanwhile are of the next round. */
static void tell_all(struct agent_needs *needs, const char *why)
{
	unsigned round = needs->round++;
	struct agent_need *need;

	while ((need = needs->waiting) && need->round == round) {
		needs->waiting = need->next;
		need->done(need->arg, why);
	}
}

static void on_created(void *arg, const struct agent_answer *answer)
{
	struct thing *thing = arg;
	struct agent_needs *needs = thing->needs;
	const char *id = json_text(answer->json, "id");
	SCOPED(mem_free) char *why = mem_text(answer->why);

	thing->call = NULL;
	if (!why && (!id || !*id))
		why = mem_textf("POST %s: the answer has no id", thing->path);
	if (why) {
		tell_all(needs, why);
		return;
	}
	thing->id = mem_text(id);
	if (needs->agent.id && needs->environment.id)
		tell_all(needs, NULL);
}

/* Takes body. */
static void create(struct thing *thing, cJSON *body)
{
	struct agent_needs *needs = thing->needs;
	struct agent_request request = {
		.method = "POST",
		.path = thing->path,
		.body = body,
		.deadline_ns = clock_now() + needs->request_ns,
		.done = on_created,
		.arg = thing,
	};

	cJSON_AddStringToObject(body, "name", needs->name);
	thing->call = agent_call_start(needs->wire, &request);
}

static void create_agent(struct agent_needs *needs)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "model", needs->model);
	cJSON_AddItemToObject(body, "tools", cJSON_Duplicate(needs->tools, true));
	create(&needs->agent, body);
}

static void create_environment(struct agent_needs *needs)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *config = cJSON_AddObjectToObject(body, "config");

	cJSON_AddStringToObject(config, "type", "cloud");
	create(&needs->environment, body);
}

bool agent_needs_met(struct agent_needs *needs, struct agent_need *need)
{
	struct agent_need **link = &needs->waiting;

	if (needs->agent.id && needs->environment.id)
		return true;
	need->round = needs->round;
	need->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = need;
	if (!needs->agent.id && !needs->agent.call)
		create_agent(needs);
	if (!needs->environment.id && !needs->environment.call)
		create_environment(needs);
	return false;
}

void agent_needs_leave(struct agent_needs *needs, struct agent_need *need)
{
	for (struct agent_need **link = &needs->waiting; *link; link = &(*link)->next) {
		if (*link != need)
			continue;
		*link = need->next;
		return;
	}
}

const char *agent_needs_agent(const struct agent_needs *needs)
{
	return needs->agent.id;
}

const char *agent_needs_environment(const struct agent_needs *needs)
{
	return needs->environment.id;
}

#include "service/agent/agent_provision.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/agent/agent_client.h"
#include "service/store.h"

/* One of the two. */
struct thing {
	struct agent_provision *needs;
	const char *path;
	char *id;                     /* NULL until it is there, or known to be gone */
	bool given;                   /* by its id: not ours to change */
	bool current;                 /* at the API it is what we last asked for */
	struct agent_http_call *call; /* that creates it, or makes it current */
};

struct agent_provision {
	struct agent_http *wire;
	char *name;
	char *model;
	struct store *store;
	cJSON *tools;
	int64_t request_ns;
	struct thing agent;
	struct thing environment;
	struct agent_provision_waiter *waiting; /* first come, first told */
	unsigned round; /* one for each time that all who wait are told */
};

static void put(struct thing *thing);

static bool is_met(const struct thing *thing)
{
	return thing->id && thing->current && !thing->call;
}

/* The store is not worth a session: what it can't do is only reported. */
static void report_store(const struct err *err)
{
	log_event("store.failed", "why", LOG_TEXT(err->text));
}

/* given may be NULL. */
static void find_id(struct thing *thing, const char *given)
{
	struct store *store = thing->needs->store;
	struct err err = {0};

	thing->id = mem_text(given);
	thing->given = thing->current = given != NULL;
	if (!given && store && !store_find_thing(store, thing->path, &thing->id, &err))
		report_store(&err);
}

/* Takes id. */
static void set_id(struct thing *thing, char *id)
{
	struct store *store = thing->needs->store;
	struct err err = {0};

	free(thing->id);
	thing->id = id;
	if (store && !store_save_thing(store, thing->path, id, &err))
		report_store(&err);
}

struct agent_provision *agent_provision_create(
	struct agent_http *wire, const struct agent_client_options *options)
{
	struct agent_provision *needs = mem_zeroed(sizeof *needs);

	*needs = (struct agent_provision){
		.wire = wire,
		.name = mem_text(options->name),
		.model = mem_text(options->model),
		.store = options->store,
		.tools = cJSON_CreateArray(),
		.request_ns = options->request_ns,
		.agent = {.needs = needs, .path = "/v1/agents"},
		.environment = {.needs = needs, .path = "/v1/environments"},
	};
	find_id(&needs->agent, options->agent_id);
	find_id(&needs->environment, options->environment_id);
	return needs;
}

void agent_provision_destroy(struct agent_provision *needs)
{
	if (!needs)
		return;
	agent_http_cancel(needs->agent.call);
	agent_http_cancel(needs->environment.call);
	free(needs->agent.id);
	free(needs->environment.id);
	cJSON_Delete(needs->tools);
	free(needs->model);
	free(needs->name);
	free(needs);
}

void agent_provision_set_tools(struct agent_provision *needs, const cJSON *tools)
{
	cJSON *tool;

	cJSON_Delete(needs->tools);
	needs->tools = cJSON_Duplicate(tools, true);
	cJSON_ArrayForEach(tool, needs->tools)
		cJSON_AddStringToObject(tool, "type", "custom");
	needs->agent.current = needs->agent.given;
}

/* Those who come to wait meanwhile are of the next round. */
static void tell_all(struct agent_provision *needs, const char *why)
{
	unsigned round = needs->round++;
	struct agent_provision_waiter *need;

	while ((need = needs->waiting) && need->round == round) {
		needs->waiting = need->next;
		need->done(need->arg, why);
	}
}

bool agent_provision_is_gone(long status)
{
	return status == 404 || status == 400;
}

static void on_put(void *arg, const struct agent_http_response *answer)
{
	struct thing *thing = arg;
	struct agent_provision *needs = thing->needs;
	const char *id = json_text(answer->json, "id");
	SCOPED(mem_free) char *why = mem_text(answer->why);

	thing->call = NULL;
	if (thing->id && agent_provision_is_gone(answer->status)) {
		set_id(thing, NULL);
		put(thing);
		return;
	}
	if (!why && !thing->id && (!id || !*id))
		why = mem_textf("POST %s: the answer has no id", thing->path);
	if (why) {
		thing->current = false;
		tell_all(needs, why);
		return;
	}
	if (id && (!thing->id || strcmp(id, thing->id) != 0))
		set_id(thing, mem_text(id));
	if (!thing->current)
		put(thing);
	else if (is_met(&needs->agent) && is_met(&needs->environment))
		tell_all(needs, NULL);
}

static cJSON *body_of(const struct thing *thing)
{
	const struct agent_provision *needs = thing->needs;
	cJSON *body = cJSON_CreateObject();

	if (thing == &needs->agent) {
		cJSON_AddStringToObject(body, "model", needs->model);
		cJSON_AddItemToObject(
			body, "tools", cJSON_Duplicate(needs->tools, true));
	} else if (!thing->id) {
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(body, "config"), "type", "cloud");
	}
	cJSON_AddStringToObject(body, "name", needs->name);
	return body;
}

/* Creates it, or makes it what we want: without a version, for nobody but us has a say
 * in what it is. */
static void put(struct thing *thing)
{
	struct agent_provision *needs = thing->needs;
	SCOPED(mem_free) char *path = thing->id
		? agent_http_path_in(thing->path, thing->id, "")
		: mem_text(thing->path);
	struct agent_http_request request = {
		.method = "POST",
		.path = path,
		.body = body_of(thing),
		.deadline_ns = clock_now() + needs->request_ns,
		.done = on_put,
		.arg = thing,
	};

	thing->current = true;
	thing->call = agent_http_start(needs->wire, &request);
}

static void put_unless_met(struct thing *thing)
{
	if (!is_met(thing) && !thing->call)
		put(thing);
}

bool agent_provision_met(
	struct agent_provision *needs, struct agent_provision_waiter *need)
{
	struct agent_provision_waiter **link = &needs->waiting;

	if (is_met(&needs->agent) && is_met(&needs->environment))
		return true;
	need->round = needs->round;
	need->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = need;
	put_unless_met(&needs->agent);
	put_unless_met(&needs->environment);
	return false;
}

/* One that is just being put is being looked at. */
static bool doubt(struct thing *thing)
{
	if (!thing->given && !thing->call)
		thing->current = false;
	return !thing->given;
}

bool agent_provision_doubt(struct agent_provision *needs)
{
	bool agent = doubt(&needs->agent), environment = doubt(&needs->environment);

	return agent || environment;
}

void agent_provision_leave(
	struct agent_provision *needs, struct agent_provision_waiter *need)
{
	for (struct agent_provision_waiter **link = &needs->waiting; *link;
		link = &(*link)->next) {
		if (*link != need)
			continue;
		*link = need->next;
		return;
	}
}

const char *agent_provision_agent(const struct agent_provision *needs)
{
	return needs->agent.id;
}

const char *agent_provision_environment(const struct agent_provision *needs)
{
	return needs->environment.id;
}

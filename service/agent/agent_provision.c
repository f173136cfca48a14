#include "service/agent/agent_provision.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/store.h"

/* The agent or the environment. */
struct provisioned {
	struct agent_provision *provision;
	const char *collection;
	char *id;                     /* NULL: not created yet, or gone */
	bool given;                   /* by id: never changed here */
	bool current;                 /* the API has what was last sent, or will */
	struct agent_http_call *call; /* creates or updates it; NULL: none */
};

struct agent_provision {
	struct agent_http *http;
	char *name;
	char *model;
	struct store *store;
	cJSON *tools;
	struct provisioned agent;
	struct provisioned environment;
	struct agent_provision_waiter *waiting; /* in order of arrival */
	unsigned round; /* counts the times that all waiters were called */
};

static void put(struct provisioned *item);

static bool is_ready(const struct provisioned *item)
{
	return item->id && item->current && !item->call;
}

/* A failure of the store is logged only: sessions go on without it. */
static void report_store(const struct err *err)
{
	log_event("store.failed", "why", LOG_TEXT(err->text));
}

/* given may be NULL. */
static void find_id(struct provisioned *item, const char *given)
{
	struct store *store = item->provision->store;
	struct err err = {0};

	item->id = mem_text(given);
	item->given = item->current = given != NULL;
	if (!given && store &&
		!store_find_thing(store, item->collection, &item->id, &err))
		report_store(&err);
}

/* Takes id. */
static void set_id(struct provisioned *item, char *id)
{
	struct store *store = item->provision->store;
	struct err err = {0};

	free(item->id);
	item->id = id;
	if (store && !store_save_thing(store, item->collection, id, &err))
		report_store(&err);
}

struct agent_provision *agent_provision_create(
	struct agent_http *http, const struct agent_provision_options *options)
{
	struct agent_provision *provision = mem_zeroed(sizeof *provision);

	*provision = (struct agent_provision){
		.http = http,
		.name = mem_text(options->name),
		.model = mem_text(options->model),
		.store = options->store,
		.tools = cJSON_CreateArray(),
		.agent = {.provision = provision, .collection = "/v1/agents"},
		.environment = {.provision = provision,
			.collection = "/v1/environments"},
	};
	find_id(&provision->agent, options->agent_id);
	find_id(&provision->environment, options->environment_id);
	return provision;
}

void agent_provision_destroy(struct agent_provision *provision)
{
	if (!provision)
		return;
	agent_http_cancel(provision->agent.call);
	agent_http_cancel(provision->environment.call);
	free(provision->agent.id);
	free(provision->environment.id);
	cJSON_Delete(provision->tools);
	free(provision->model);
	free(provision->name);
	free(provision);
}

void agent_provision_set_tools(struct agent_provision *provision, const cJSON *tools)
{
	cJSON *tool;

	cJSON_Delete(provision->tools);
	provision->tools = cJSON_Duplicate(tools, true);
	cJSON_ArrayForEach(tool, provision->tools)
		cJSON_AddStringToObject(tool, "type", "custom");
	provision->agent.current = provision->agent.given;
}

/* Waiters that are added during the calls belong to the next round. */
static void call_waiters(struct agent_provision *provision, const char *why)
{
	unsigned round = provision->round++;
	struct agent_provision_waiter *waiter;

	while ((waiter = provision->waiting) && waiter->round == round) {
		provision->waiting = waiter->next;
		waiter->done(waiter->arg, why);
	}
}

bool agent_provision_is_gone(long status)
{
	return status == 404 || status == 400;
}

static void on_put(void *arg, const struct agent_http_response *response)
{
	struct provisioned *item = arg;
	struct agent_provision *provision = item->provision;
	const char *id = json_text(response->json, "id");
	SCOPED(mem_free) char *why = mem_text(response->why);

	item->call = NULL;
	if (item->id && agent_provision_is_gone(response->status)) {
		set_id(item, NULL);
		put(item);
		return;
	}
	if (!why && !item->id && (!id || !*id))
		why = mem_textf("POST %s: the answer has no id", item->collection);
	if (why) {
		item->current = false;
		call_waiters(provision, why);
		return;
	}
	if (id && (!item->id || strcmp(id, item->id) != 0))
		set_id(item, mem_text(id));
	if (!item->current)
		put(item);
	else if (is_ready(&provision->agent) && is_ready(&provision->environment))
		call_waiters(provision, NULL);
}

static cJSON *body_of(const struct provisioned *item)
{
	const struct agent_provision *provision = item->provision;
	cJSON *body = cJSON_CreateObject();

	if (item == &provision->agent) {
		cJSON_AddStringToObject(body, "model", provision->model);
		cJSON_AddItemToObject(
			body, "tools", cJSON_Duplicate(provision->tools, true));
	} else if (!item->id) {
		cJSON_AddStringToObject(
			cJSON_AddObjectToObject(body, "config"), "type", "cloud");
	}
	cJSON_AddStringToObject(body, "name", provision->name);
	return body;
}

/* Creates or updates the item. An update has no version: there is no other writer. */
static void put(struct provisioned *item)
{
	struct agent_provision *provision = item->provision;
	struct agent_http_request request = {
		.method = "POST",
		.collection = item->collection,
		.id = item->id,
		.body = body_of(item),
		.deadline_ns = agent_http_deadline(provision->http),
		.done = on_put,
		.arg = item,
	};

	item->current = true;
	item->call = agent_http_start(provision->http, &request);
}

static void put_unless_ready(struct provisioned *item)
{
	if (!is_ready(item) && !item->call)
		put(item);
}

bool agent_provision_request(
	struct agent_provision *provision, struct agent_provision_waiter *waiter)
{
	struct agent_provision_waiter **link = &provision->waiting;

	if (is_ready(&provision->agent) && is_ready(&provision->environment))
		return true;
	waiter->round = provision->round;
	waiter->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = waiter;
	put_unless_ready(&provision->agent);
	put_unless_ready(&provision->environment);
	return false;
}

/* A request that is under way is a check already. */
static bool recheck(struct provisioned *item)
{
	if (!item->given && !item->call)
		item->current = false;
	return !item->given;
}

bool agent_provision_recheck(struct agent_provision *provision)
{
	bool agent = recheck(&provision->agent),
	     environment = recheck(&provision->environment);

	return agent || environment;
}

void agent_provision_leave(
	struct agent_provision *provision, struct agent_provision_waiter *waiter)
{
	struct agent_provision_waiter **link = &provision->waiting;

	while (*link && *link != waiter)
		link = &(*link)->next;
	if (*link)
		*link = waiter->next;
}

void agent_provision_add_ids(const struct agent_provision *provision, cJSON *session)
{
	cJSON_AddStringToObject(session, "agent", provision->agent.id);
	cJSON_AddStringToObject(session, "environment_id", provision->environment.id);
}

#include "service/agent/agent_client.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "service/store.h"

static void put(struct agent_resource *item);

static bool is_ready(const struct agent_resource *item)
{
	return item->id && item->current && !item->call;
}

/* given may be NULL. */
static void find_id(struct agent_resource *item, const char *given)
{
	struct store *store = item->client->store;
	struct err err = {0};

	item->id = mem_text(given);
	item->given = item->current = given != NULL;
	if (!given && store)
		store_log(store_find_thing(store, item->collection, &item->id, &err),
			&err);
}

/* Takes id. */
static void set_id(struct agent_resource *item, char *id)
{
	struct store *store = item->client->store;
	struct err err = {0};

	free(item->id);
	item->id = id;
	if (store)
		store_log(store_save_thing(store, item->collection, id, &err), &err);
}

struct agent_client *agent_client_create(
	uv_loop_t *loop, const struct agent_client_options *options, struct err *err)
{
	struct agent_client *client = mem_zeroed(sizeof *client);

	*client = (struct agent_client){
		.http = agent_http_create(loop, options->url, options->key,
			options->connections, options->http2, options->request_ns, err),
		.name = mem_text(options->name),
		.model = mem_text(options->model),
		.store = options->store,
		.tools = cJSON_CreateArray(),
		.agent = {.client = client, .collection = "/v1/agents"},
		.environment = {.client = client, .collection = "/v1/environments"},
	};
	if (!client->http) {
		err_while(err, "agent API %s", options->url);
		agent_client_destroy(client);
		return NULL;
	}
	if (options->unpaced)
		agent_http_do_not_pace(client->http);
	find_id(&client->agent, options->agent_id);
	find_id(&client->environment, options->environment_id);
	return client;
}

void agent_client_destroy(struct agent_client *client)
{
	if (!client)
		return;
	agent_http_cancel(client->agent.call);
	agent_http_cancel(client->environment.call);
	agent_http_destroy(client->http);
	free(client->agent.id);
	free(client->environment.id);
	cJSON_Delete(client->tools);
	free(client->model);
	free(client->name);
	free(client);
}

void agent_client_set_tools(struct agent_client *client, const cJSON *tools)
{
	cJSON *tool;

	cJSON_Delete(client->tools);
	client->tools = cJSON_Duplicate(tools, true);
	cJSON_ArrayForEach(tool, client->tools)
		cJSON_AddStringToObject(tool, "type", "custom");
	client->agent.current = client->agent.given;
}

/* Waiters that are added during the calls belong to the next round. */
static void call_waiters(struct agent_client *client, const char *why)
{
	unsigned round = client->round++;
	struct agent_waiter *waiter;

	while ((waiter = client->waiting) && waiter->round == round) {
		client->waiting = waiter->next;
		waiter->done(waiter->arg, why);
	}
}

bool agent_client_is_gone(long status)
{
	return status == 404 || status == 400;
}

static void on_put(void *arg, const struct agent_response *response)
{
	struct agent_resource *item = arg;
	struct agent_client *client = item->client;
	const char *id = json_text(response->json, "id");
	SCOPED(mem_free) char *why = mem_text(response->why);

	item->call = NULL;
	if (item->id && agent_client_is_gone(response->status)) {
		set_id(item, NULL);
		put(item);
		return;
	}
	if (!why && !item->id && (!id || !*id))
		why = mem_textf("POST %s: the answer has no id", item->collection);
	if (why) {
		item->current = false;
		call_waiters(client, why);
		return;
	}
	if (id && (!item->id || strcmp(id, item->id) != 0))
		set_id(item, mem_text(id));
	if (!item->current)
		put(item);
	else if (is_ready(&client->agent) && is_ready(&client->environment))
		call_waiters(client, NULL);
}

static cJSON *body_of(const struct agent_resource *item)
{
	const struct agent_client *client = item->client;
	cJSON *body = cJSON_CreateObject();

	if (item == &client->agent) {
		json_fill(body, "{'model': %s}", client->model);
		cJSON_AddItemToObject(
			body, "tools", cJSON_Duplicate(client->tools, true));
	} else if (!item->id) {
		json_fill(body, "{'config': {'type': 'cloud'}}");
	}
	return json_fill(body, "{'name': %s}", client->name);
}

/* Creates or updates the item. An update has no version: there is no other writer. */
static void put(struct agent_resource *item)
{
	struct agent_client *client = item->client;
	struct agent_http_request request = {
		.method = "POST",
		.collection = item->collection,
		.id = item->id,
		.body = body_of(item),
		.deadline_ns = agent_http_deadline(client->http),
		.done = on_put,
		.arg = item,
	};

	item->current = true;
	item->call = agent_http_start(client->http, &request);
}

bool agent_client_provision(struct agent_client *client, struct agent_waiter *waiter)
{
	if (is_ready(&client->agent) && is_ready(&client->environment))
		return true;
	waiter->round = client->round;
	LL_APPEND(client->waiting, waiter);
	if (!is_ready(&client->agent) && !client->agent.call)
		put(&client->agent);
	if (!is_ready(&client->environment) && !client->environment.call)
		put(&client->environment);
	return false;
}

/* A request that is under way is a check already. */
static bool recheck(struct agent_resource *item)
{
	if (!item->given && !item->call)
		item->current = false;
	return !item->given;
}

bool agent_client_recheck(struct agent_client *client)
{
	bool agent = recheck(&client->agent),
	     environment = recheck(&client->environment);

	return agent || environment;
}

void agent_client_leave(struct agent_client *client, struct agent_waiter *waiter)
{
	struct agent_waiter **link = &client->waiting;

	while (*link && *link != waiter)
		link = &(*link)->next;
	if (*link)
		*link = waiter->next;
}

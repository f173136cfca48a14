/*
 * own_balancer - bin/balancer: told its backends at its control socket, watched by its
 * events. The lag, the health checks and the retries are its own.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/rollout/balancer_ops.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define CALL_NS  (5 * CLOCK_S)
#define AGAIN_NS (100 * CLOCK_MS)

/* A backend that the balancer has, by its events. */
struct known_backend {
	char *address;
	bool is_up;
};

struct own_balancer {
	char *socket;
	struct fetch *fetch;
	struct fetch_call *call;  /* NULL: it knows what is wanted, unless `changed` */
	bool changed;             /* since the call began */
	struct loop_timer *again; /* after a call that failed */
	struct known_backend *known;
	unsigned known_count;
};

/* --- its events --- */

static struct known_backend *find(const struct own_balancer *own, const char *address)
{
	for (unsigned i = 0; i < own->known_count; i++)
		if (strcmp(own->known[i].address, address) == 0)
			return &own->known[i];
	return NULL;
}

static void note_backend(
	struct own_balancer *own, const char *event, const char *address)
{
	struct known_backend *known = find(own, address);

	if (strcmp(event, "backend.added") == 0 && !known) {
		own->known =
			mem_grown(own->known, own->known_count + 1, sizeof *own->known);
		own->known[own->known_count++] =
			(struct known_backend){.address = mem_text(address)};
	} else if (strcmp(event, "backend.out") == 0 && known) {
		free(known->address);
		*known = own->known[--own->known_count];
	} else if (known && strcmp(event, "backend.up") == 0) {
		known->is_up = true;
	} else if (known && strcmp(event, "backend.down") == 0) {
		known->is_up = false;
	}
}

static void take_line(struct balancer *balancer, const char *line)
{
	SCOPED(json_free) cJSON *json = json_parse(line, strlen(line));
	const char *event = json_text(json, "event");
	const char *address = json_text(json, "backend");

	if (event && strcmp(event, "balancer.listening") == 0 && !balancer->url)
		balancer->url = mem_textf(
			"http://127.0.0.1:%lld", (long long)json_int(json, "port", 0));
	else if (event && address)
		note_backend(balancer->own, event, address);
}

/* --- what it is told --- */

static void tell(struct balancer *balancer);

static void on_told(void *arg, const struct fetch_result *result)
{
	struct balancer *balancer = arg;
	struct own_balancer *own = balancer->own;

	own->call = NULL;
	if (result->end != FETCH_ANSWERED || result->status != 200) {
		own->changed = true;
		loop_timer_set(own->again, AGAIN_NS);
	} else if (own->changed) {
		tell(balancer);
	}
}

static char *wanted_json(const struct balancer *balancer)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "backends");

	for (unsigned i = 0; i < balancer->wanted.count; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateString(balancer->wanted.item[i]));
	return json_print(json);
}

static void tell(struct balancer *balancer)
{
	struct own_balancer *own = balancer->own;
	SCOPED(mem_free) char *body = wanted_json(balancer);
	struct err err;

	own->changed = false;
	own->call = fetch_start(own->fetch,
		&(struct fetch_request){
			.method = "PUT",
			.url = "http://balancer/control/backends",
			.socket = own->socket,
			.body = body,
			.body_len = strlen(body),
			.timeout_ns = CALL_NS,
			.done = on_told,
			.arg = balancer,
		},
		&err);
	if (!own->call) {
		own->changed = true;
		loop_timer_set(own->again, AGAIN_NS);
	}
}

static void on_again(void *arg)
{
	tell(arg);
}

static void changed(struct balancer *balancer)
{
	struct own_balancer *own = balancer->own;

	own->changed = true;
	if (!own->call && !loop_timer_is_set(own->again))
		tell(balancer);
}

static bool has_settled(const struct balancer *balancer)
{
	const struct own_balancer *own = balancer->own;

	if (own->call || own->changed)
		return false;
	for (unsigned i = 0; i < own->known_count; i++)
		if (!balancer_wants(balancer, own->known[i].address))
			return false;
	for (unsigned i = 0; i < balancer->wanted.count; i++) {
		const struct known_backend *known = find(own, balancer->wanted.item[i]);

		if (!known || !known->is_up)
			return false;
	}
	return true;
}

/* --- up and down --- */

static bool is_listening(const void *arg)
{
	return ((const struct balancer *)arg)->url != NULL;
}

static bool spawn(
	struct balancer *balancer, const struct own_balancer *own, struct err *err)
{
	const struct balancer_part *part = balancer->options.part;
	SCOPED(strlist_done) struct strlist argv = {0};

	strlist_add(&argv, "%s/balancer", balancer->options.programs);
	strlist_add(&argv, "--port=0");
	strlist_add(&argv, "--control=%s", own->socket);
	strlist_add(&argv, "--lag=%lldns", (long long)part->lag_ns);
	if (part->health_path)
		strlist_add(&argv, "--health-path=%s", part->health_path);
	strlist_add(
		&argv, "--health-interval=%lldns", (long long)part->health_interval_ns);
	strlist_add(&argv, "--fails=%lld", (long long)part->fails);
	strlist_add(&argv, "--retries=%lld", (long long)part->retries);
	return balancer_spawn(balancer, (const char *const *)argv.item, err);
}

static bool up(struct balancer *balancer, struct err *err)
{
	struct own_balancer *own = balancer->own = mem_zeroed(sizeof *own);

	own->socket = mem_textf("%s/balancer.sock", balancer->options.folder);
	own->again = loop_timer_create(balancer->options.loop, on_again, balancer);
	own->fetch = fetch_create(balancer->options.loop, 1, err);
	return own->fetch && spawn(balancer, own, err) &&
		balancer_await(balancer, is_listening, err);
}

static void down(struct balancer *balancer)
{
	struct own_balancer *own = balancer->own;

	fetch_destroy(own->fetch);
	loop_timer_destroy(own->again);
	for (unsigned i = 0; i < own->known_count; i++)
		free(own->known[i].address);
	free(own->known);
	free(own->socket);
	free(own);
}

const struct balancer_ops own_balancer = {
	.up = up,
	.changed = changed,
	.has_settled = has_settled,
	.line = take_line,
	.down = down,
};

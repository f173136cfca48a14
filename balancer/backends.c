#include "balancer/backends.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "balancer/health.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/strlist.h"

#define IDLE_CONNECTIONS 1024 /* to each backend, at most */

struct backends {
	uv_loop_t *loop;
	const struct balancer_config *config;
	struct backend *list;
	struct backend *turn; /* who had the last request; NULL: begin with the first */
};

static void log_backend(const char *event, const struct backend *backend)
{
	log_event(event, "backend", LOG_TEXT(backend->address), "under_way",
		LOG_INT(backend->under_way));
}

/* --- one backend --- */

static void on_health(void *arg, bool is_healthy)
{
	struct backend *backend = arg;

	backend->is_up = is_healthy;
	log_backend(is_healthy ? "backend.up" : "backend.down", backend);
}

static void backend_destroy(struct backend *backend)
{
	health_destroy(backend->health);
	loop_timer_destroy(backend->lag);
	fetch_destroy(backend->fetch);
	free(backend->address);
	free(backend);
}

static void remove_backend(struct backend *backend)
{
	struct backends *all = backend->all;

	if (all->turn == backend)
		all->turn = backend == all->list ? NULL : backend->prev;
	DL_DELETE(all->list, backend);
	log_backend("backend.closed", backend);
	backend_destroy(backend);
}

static void on_lag_end(void *arg)
{
	struct backend *backend = arg;

	backend->is_out = true;
	health_destroy(backend->health);
	backend->health = NULL;
	log_backend("backend.out", backend);
	if (backend->under_way == 0)
		remove_backend(backend);
}

static bool add_backend(struct backends *all, const char *address, struct err *err)
{
	const struct balancer_config *config = all->config;
	struct backend *backend = mem_zeroed(sizeof *backend);

	backend->all = all;
	backend->address = mem_text(address);
	backend->lag = loop_timer_create(all->loop, on_lag_end, backend);
	backend->fetch = fetch_create(all->loop, IDLE_CONNECTIONS, err);
	if (backend->fetch && config->health_path)
		backend->health = health_create(
			all->loop, config, address, on_health, backend, err);
	if (!backend->fetch || (config->health_path && !backend->health)) {
		backend_destroy(backend);
		return false;
	}
	DL_APPEND(all->list, backend);
	log_backend("backend.added", backend);
	if (!config->health_path)
		on_health(backend, true);
	return true;
}

static void take_out(struct backend *backend)
{
	if (backend->is_leaving)
		return;
	backend->is_leaving = true;
	log_backend("backend.leaving", backend);
	if (backend->all->config->lag_ns)
		loop_timer_set(backend->lag, backend->all->config->lag_ns);
	else
		on_lag_end(backend);
}

static void keep(struct backend *backend)
{
	if (!backend->is_leaving)
		return;
	backend->is_leaving = false;
	loop_timer_stop(backend->lag);
	log_backend("backend.kept", backend);
}

/* --- all of them --- */

struct backends *backends_create(uv_loop_t *loop, const struct balancer_config *config)
{
	struct backends *backends = mem_zeroed(sizeof *backends);

	backends->loop = loop;
	backends->config = config;
	return backends;
}

void backends_destroy(struct backends *backends)
{
	struct backend *backend, *next;

	if (!backends)
		return;
	DL_FOREACH_SAFE(backends->list, backend, next)
		backend_destroy(backend);
	free(backends);
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port = strtol(text, NULL, 10);

	return digits > 0 && digits <= 5 && text[digits] == '\0' && port > 0 &&
		port <= UINT16_MAX;
}

/* In numbers, so that no name has to be looked up: "10.0.0.2:80", "[::1]:80". */
static bool is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool is_v6 = len > 2 && text[0] == '[' && text[len - 1] == ']';
	SCOPED(mem_free)
	char *host = mem_textf("%.*s", (int)(is_v6 ? len - 2 : len), text + is_v6);
	unsigned char address[sizeof(struct in6_addr)];

	return colon && is_port(colon + 1) &&
		inet_pton(is_v6 ? AF_INET6 : AF_INET, host, address) == 1;
}

static bool is_listed(const char *address, const char *const *addresses, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(addresses[i], address) == 0)
			return true;
	return false;
}

static struct backend *find(const struct backends *backends, const char *address)
{
	struct backend *backend;

	DL_FOREACH(backends->list, backend)
		if (!backend->is_out && strcmp(backend->address, address) == 0)
			return backend;
	return NULL;
}

bool backends_set(struct backends *backends, const char *const *addresses,
	unsigned count, struct err *err)
{
	struct backend *backend, *next;

	for (unsigned i = 0; i < count; i++)
		if (!is_address(addresses[i]))
			return err_set(err,
				"%.80s: expected an address in numbers and a port, such "
				"as 10.0.0.2:80",
				addresses[i]);
	for (unsigned i = 0; i < count; i++) {
		backend = find(backends, addresses[i]);
		if (backend)
			keep(backend);
		else if (!add_backend(backends, addresses[i], err))
			return false;
	}
	DL_FOREACH_SAFE(backends->list, backend, next)
		if (!is_listed(backend->address, addresses, count))
			take_out(backend);
	return true;
}

bool backends_set_text(struct backends *backends, const char *text, struct err *err)
{
	SCOPED(strlist_done) struct strlist list = {0};

	while (*text) {
		size_t len = strcspn(text, ",");

		strlist_add(&list, "%.*s", (int)len, text);
		text += len + (text[len] == ',');
	}
	return backends_set(backends, (const char *const *)list.item, list.count, err);
}

static bool gets_requests(const struct backend *backend)
{
	return backend->is_up && !backend->is_out;
}

struct backend *backends_next(struct backends *backends, const struct backend *avoid)
{
	struct backend *first = backends->turn && backends->turn->next
		? backends->turn->next
		: backends->list;
	struct backend *backend = first, *found = NULL;

	if (!first)
		return NULL;
	do {
		if (gets_requests(backend) && (!found || found == avoid))
			found = backend;
		backend = backend->next ? backend->next : backends->list;
	} while (backend != first && (!found || found == avoid));
	if (found)
		backends->turn = found;
	return found;
}

void backend_enter(struct backend *backend)
{
	backend->requests++;
	backend->under_way++;
}

void backend_leave(struct backend *backend)
{
	assert(backend->under_way > 0);
	if (--backend->under_way == 0 && backend->is_out)
		remove_backend(backend);
}

static const char *state_of(const struct backend *backend)
{
	if (backend->is_out)
		return "out";
	if (!backend->is_up)
		return backend->health && health_is_known(backend->health) ? "down"
									   : "checking";
	return backend->is_leaving ? "leaving" : "up";
}

cJSON *backends_json(const struct backends *backends)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "backends");
	const struct backend *backend;

	DL_FOREACH(backends->list, backend) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "address", backend->address);
		cJSON_AddStringToObject(item, "state", state_of(backend));
		json_add_int(item, "under_way", backend->under_way);
		json_add_int(item, "requests", (int64_t)backend->requests);
		cJSON_AddItemToArray(list, item);
	}
	return json;
}

#include "kube-fake/pod_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/web.h"

#define LINGER_NS (100 * CLOCK_MS)

struct pod_server {
	struct web *web;
	struct loop_timer *drained;
	int64_t drain_ns; /* from SIGTERM on */
	bool leaving;
};

static void on_request(void *arg, struct web_exchange *exchange)
{
	const struct pod_server *server = arg;

	if (server->leaving && !strcmp(exchange->path, "/ready"))
		web_reply(
			exchange, 503, "text/plain", "leaving\n", strlen("leaving\n"));
	else
		web_reply(exchange, 200, "text/plain", "ok\n", strlen("ok\n"));
}

static void on_drained(void *arg UNUSED)
{
}

static void close_port(void *arg)
{
	struct pod_server *server = arg;

	web_drain(server->web, LINGER_NS, on_drained, server);
}

/* DRAIN_DELAY of its environment; 0: it has none. */
static int64_t drain_delay(const cJSON *pod)
{
	const cJSON *item;
	struct err ignored;
	int64_t ns = 0;

	cJSON_ArrayForEach(item, json_at(pod, "spec.containers.0.env")) {
		const char *name = json_text(item, "name");
		const char *value = json_text(item, "value");

		if (name && value && !strcmp(name, "DRAIN_DELAY") &&
			!clock_parse(&ns, value, &ignored))
			ns = 0;
	}
	return ns;
}

struct pod_server *pod_server_create(
	uv_loop_t *loop, const cJSON *pod, const char *address)
{
	int64_t port =
		json_int(json_at(pod, "spec.containers.0.ports.0"), "containerPort", 0);
	struct pod_server *server;
	struct err err;

	if (port == 0)
		return NULL;
	server = mem_zeroed(sizeof *server);
	server->drain_ns = drain_delay(pod);
	server->web = web_create(loop,
		&(struct web_options){.host = address,
			.port = (uint16_t)port,
			.handle = on_request,
			.arg = server},
		&err);
	if (!server->web) {
		fprintf(stderr, "kube-fake: %s\n", err.text);
		free(server);
		return NULL;
	}
	server->drained = loop_timer_create(loop, close_port, server);
	return server;
}

int64_t pod_server_term(struct pod_server *server)
{
	server->leaving = true;
	loop_timer_set(server->drained, server->drain_ns);
	return server->drain_ns;
}

void pod_server_destroy(struct pod_server *server)
{
	if (!server)
		return;
	web_destroy(server->web);
	loop_timer_destroy(server->drained);
	free(server);
}

#include "service/probe.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/fetch.h"
#include "lib/mem.h"
#include "service/config.h"

struct probe {
	bool healthy;
	struct err *err;
};

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct probe *probe = arg;

	probe->healthy = result->end == FETCH_ANSWERED && result->status == 200;
	if (result->end != FETCH_ANSWERED)
		err_set(probe->err, "%s", result->why);
	else if (!probe->healthy)
		err_set(probe->err, "HTTP %ld", result->status);
}

/* Whoever listens everywhere also listens on loopback. */
static char *make_url(const struct config *config)
{
	const char *host = config->host;

	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	return mem_textf(
		strchr(host, ':') ? "http://[%s]:%d/health" : "http://%s:%d/health",
		host, (int)config->health);
}

bool probe_health(const struct config *config, struct err *err)
{
	SCOPED(mem_free) char *url = make_url(config);
	struct probe probe = {.err = err};
	struct fetch *fetch;
	uv_loop_t loop;

	uv_loop_init(&loop);
	fetch = fetch_create(&loop, 1, err);
	if (fetch &&
		fetch_start(fetch,
			&(struct fetch_request){
				.url = url,
				.timeout_ns = config->request_ns,
				.done = on_answer,
				.arg = &probe,
				.fresh = true,
			},
			err))
		uv_run(&loop, UV_RUN_DEFAULT);
	fetch_destroy(fetch);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return probe.healthy || err_while(err, "%s", url);
}

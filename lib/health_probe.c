#include "lib/health_probe.h"

#include <string.h>
#include <uv.h>

#include "lib/fetch.h"
#include "lib/mem.h"

struct health_answer {
	bool healthy;
	struct err why;
};

static void on_done(void *arg, const struct fetch_result *result)
{
	struct health_answer *answer = arg;

	answer->healthy = result->end == FETCH_ANSWERED && result->status == 200;
	if (result->end == FETCH_ANSWERED)
		err_set(&answer->why, "it answered with status %ld", result->status);
	else
		err_set(&answer->why, "%s", result->why);
}

/* A server that listens at every address also listens on loopback. */
static char *make_url(const char *host, const char *where)
{
	if (where[strspn(where, "0123456789")] != '\0')
		return mem_textf("%s/health", where);
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	return mem_textf(
		strchr(host, ':') ? "http://[%s]:%s/health" : "http://%s:%s/health",
		host, where);
}

bool health_probe(
	const char *host, const char *where, int64_t timeout_ns, struct err *err)
{
	SCOPED(mem_free) char *url = make_url(host, where);
	struct health_answer answer = {0};
	const struct fetch_request request = {
		.url = url,
		.timeout_ns = timeout_ns,
		.done = on_done,
		.arg = &answer,
		.fresh = true,
	};
	uv_loop_t loop;
	int failed = uv_loop_init(&loop);
	struct fetch *fetch;

	if (failed)
		return err_set(err, "loop: %s", uv_strerror(failed));
	fetch = fetch_create(&loop, 1, &answer.why);
	if (fetch && fetch_start(fetch, &request, &answer.why))
		uv_run(&loop, UV_RUN_DEFAULT);
	fetch_destroy(fetch);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return answer.healthy || err_set(err, "%s: %s", url, answer.why.text);
}

#include "lib/health_probe.h"

#include <string.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/mem.h"

#define WAIT_NS (3 * CLOCK_S)

struct health_request {
	bool answered;
	struct err why;
};

static void on_done(void *arg, const struct fetch_result *result)
{
	struct health_request *asking = arg;

	asking->answered = result->end == FETCH_ANSWERED && result->status == 200;
	if (result->end == FETCH_ANSWERED)
		err_set(&asking->why, "it answered with status %ld", result->status);
	else
		err_set(&asking->why, "%s", result->why);
}

static bool ask(uv_loop_t *loop, const char *url, struct err *err)
{
	struct health_request asking = {0};
	const struct fetch_request request = {
		.url = url,
		.timeout_ns = WAIT_NS,
		.done = on_done,
		.arg = &asking,
		.fresh = true,
	};
	struct fetch *fetch = fetch_create(loop, 1, err);
	bool started = fetch && fetch_start(fetch, &request, err);

	if (started)
		uv_run(loop, UV_RUN_DEFAULT);
	fetch_destroy(fetch);
	uv_run(loop, UV_RUN_DEFAULT);
	return started && (asking.answered || err_set(err, "%s", asking.why.text));
}

bool health_probe(const char *where, struct err *err)
{
	bool is_port = where[strspn(where, "0123456789")] == '\0';
	SCOPED(mem_free) char *url = is_port
		? mem_textf("http://127.0.0.1:%s/health", where)
		: mem_textf("%s/health", where);
	uv_loop_t loop;
	bool ok;

	if (uv_loop_init(&loop) != 0)
		return err_set(err, "no event loop");
	ok = ask(&loop, url, err);
	uv_loop_close(&loop);
	return ok || err_while(err, "%s", url);
}

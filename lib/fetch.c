#include "lib/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/curl_loop.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct fetch {
	uv_loop_t *loop;
	struct curl_loop *multi;
	struct fetch_call *calls; /* not handed over yet */
	struct fetch_call *queue; /* calls with something to hand over, oldest first */
	CURL **idle;              /* easy handles for reuse */
	unsigned idle_count, idle_max;
	unsigned handles;
	bool closing;
};

static void free_when_empty(struct fetch *fetch)
{
	if (fetch->closing && fetch->handles == 0)
		free(fetch);
}

static void on_call_closed(uv_handle_t *handle)
{
	struct fetch_call *call = handle->data;
	struct fetch *fetch = call->fetch;

	buf_done(&call->body);
	buf_done(&call->arrived);
	free(call);
	fetch->handles--;
	free_when_empty(fetch);
}

static void return_easy(struct fetch_call *call)
{
	struct fetch *fetch = call->fetch;

	if (call->easy && fetch->idle_count < fetch->idle_max) {
		curl_easy_reset(call->easy);
		fetch->idle[fetch->idle_count++] = call->easy;
	} else {
		curl_easy_cleanup(call->easy);
	}
	fetch_call_unload(call);
}

/* The memory stays until the loop has closed the deadline's handle. */
static void retire(struct fetch_call *call)
{
	assert(!call->gone);
	call->gone = true;
	fetch_call_unqueue(call);
	DL_DELETE(call->fetch->calls, call);
	uv_close((uv_handle_t *)&call->deadline, on_call_closed);
}

/* The owner's callbacks may start and cancel calls, and destroy the fetch. */
static void hand_over(struct fetch *fetch)
{
	struct fetch_call *call;

	while ((call = fetch->queue)) {
		struct buf piece = call->arrived;

		fetch_call_unqueue(call);
		buf_init(&call->arrived, 0);
		if (piece.len > 0)
			call->data(call->arg, piece.data, piece.len);
		buf_done(&piece);
		if (call->gone || !call->over)
			continue;
		retire(call);
		call->done(call->arg, &call->result);
	}
}

/* Runs after curl and before on_turned(), and calls no owner. */
static void on_over(void *arg UNUSED, CURL *easy, CURLcode code)
{
	struct fetch_call *call = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	fetch_call_conclude(call, code);
	return_easy(call);
}

static void give_up(struct fetch_call *call, enum fetch_end end, const char *why)
{
	curl_loop_remove(call->fetch->multi, call->easy);
	fetch_call_finish(call, end, why);
	return_easy(call);
}

static void on_turned(void *arg, const char *dead)
{
	struct fetch *fetch = arg;
	struct fetch_call *call;

	if (dead) {
		for (call = fetch->calls; call; call = call->next) {
			if (!call->over)
				give_up(call, FETCH_FAILED, dead);
		}
	}
	hand_over(fetch);
}

static void on_deadline(uv_timer_t *timer)
{
	struct fetch_call *call = timer->data;
	char why[64];

	snprintf(why, sizeof why, "no whole answer within %s",
		CLOCK_TEXT(call->timeout_ns));
	give_up(call, FETCH_TIMED_OUT, why);
	hand_over(call->fetch);
}

static struct fetch_call *create_call(
	struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_call *call = mem_zeroed(sizeof *call);

	call->fetch = fetch;
	call->queue = &fetch->queue;
	call->file = -1;
	call->data = request->data;
	call->done = request->done;
	call->arg = request->arg;
	call->timeout_ns = request->timeout_ns;
	buf_init(&call->body, request->body_ceiling);
	call->result.body = &call->body;
	call->result.why = call->why;
	call->result.began_ns = clock_now();
	uv_timer_init(fetch->loop, &call->deadline);
	call->deadline.data = call;
	fetch->handles++;
	DL_APPEND(fetch->calls, call);
	return call;
}

static bool begin(
	struct fetch_call *call, const struct fetch_request *request, struct err *err)
{
	struct fetch *fetch = call->fetch;

	call->easy = fetch->idle_count > 0 ? fetch->idle[--fetch->idle_count]
					   : curl_easy_init();
	if (!call->easy)
		return err_set(err, "curl gives no easy handle");
	return fetch_call_prepare(call, request, err) &&
		curl_loop_add(fetch->multi, call->easy, err);
}

struct fetch_call *fetch_start(
	struct fetch *fetch, const struct fetch_request *request, struct err *err)
{
	struct fetch_call *call;

	assert(!fetch->closing && request->done);
	call = create_call(fetch, request);
	if (!begin(call, request, err)) {
		return_easy(call);
		retire(call);
		return NULL;
	}
	if (request->timeout_ns > 0) {
		/* libuv counts from the time when its turn began. */
		uv_update_time(fetch->loop);
		uv_timer_start(&call->deadline, on_deadline,
			clock_ms_up(request->timeout_ns), 0);
	}
	return call;
}

void fetch_cancel(struct fetch_call *call)
{
	if (call->easy)
		curl_loop_remove(call->fetch->multi, call->easy);
	return_easy(call);
	retire(call);
}

struct fetch *fetch_create(uv_loop_t *loop, unsigned connections, struct err *err)
{
	static const struct curl_loop_events events = {on_over, on_turned};
	struct fetch *fetch;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, "curl cannot be initialized");
		return NULL;
	}
	signals_ignore_sigpipe();
	fetch = mem_zeroed(sizeof *fetch);
	fetch->loop = loop;
	fetch->idle = mem_grown(NULL, connections, sizeof *fetch->idle);
	fetch->idle_max = connections;
	fetch->multi = curl_loop_create(loop, connections, &events, fetch, err);
	if (!fetch->multi) {
		fetch_destroy(fetch);
		return NULL;
	}
	return fetch;
}

void fetch_destroy(struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch->closing = true;
	while (fetch->calls)
		fetch_cancel(fetch->calls);
	while (fetch->idle_count > 0)
		curl_easy_cleanup(fetch->idle[--fetch->idle_count]);
	free(fetch->idle);
	curl_loop_destroy(fetch->multi);
	curl_global_cleanup();
	free_when_empty(fetch);
}

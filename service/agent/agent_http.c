#include "service/agent/agent_http.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/rng.h"
#include "service/agent/agent_pacer.h"
#include "service/agent/agent_pools.h"

#define VERSION        "anthropic-version: 2026-10-21"
#define BETA           "anthropic-beta: managed-agents-2026-04-01"
#define USER_AGENT     "user-agent: stopbench-service/1"
#define BODY_CEILING   ((size_t)8 << 20)
#define TRIES          3
#define FIRST_PAUSE_NS (250 * CLOCK_MS)
#define KEY_LEN_MIN    8

struct agent_http {
	uv_loop_t *loop;
	char *url; /* without a slash at its end */
	char *key;
	char *authorization;    /* a whole header */
	const char *headers[7]; /* the first is about the body */
	bool http2;
	int64_t request_ns;
	struct agent_pools *requests;
	struct agent_pools *streams;
	struct agent_pacer *pacer; /* NULL: no call is paced */
	struct rng rng;
};

struct agent_http_call {
	struct agent_http *http;
	struct fetch *pool;
	struct agent_http_request request; /* its texts are in path and body */
	char *path, *body;
	unsigned tries;
	bool stale; /* the last try used a warm connection that was dead */
	struct fetch_call *fetch; /* NULL: between two tries */
	char *unstarted;          /* why the request could not be started */
	struct loop_timer *timer; /* until the next try; NULL until first used */
	struct agent_pacer_entry paced;
};

static void on_timer(void *arg);

struct agent_http *agent_http_create(uv_loop_t *loop, const char *url, const char *key,
	unsigned connections, bool http2, int64_t request_ns, struct err *err)
{
	struct agent_http *http = mem_zeroed(sizeof *http);
	const unsigned most = http2 ? 1 : connections; /* of one pool, which is all */
	bool with_key = key && *key;
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	*http = (struct agent_http){
		.loop = loop,
		.http2 = http2,
		.request_ns = request_ns,
		.url = mem_textf("%.*s", (int)len, url),
		.key = with_key ? mem_text(key) : NULL,
		.authorization =
			with_key ? mem_textf("authorization: Bearer %s", key) : NULL,
		.headers = {"content-type: application/json",
			"accept: application/json", VERSION, BETA, USER_AGENT},
	};
	http->headers[5] = http->authorization;
	rng_seed(&http->rng, (uint64_t)clock_now());
	http->pacer = agent_pacer_create(loop);
	http->requests = agent_pools_create(loop, most, err);
	if (http->requests)
		http->streams = agent_pools_create(loop, most, err);
	if (!http->streams) {
		agent_http_destroy(http);
		return NULL;
	}
	return http;
}

void agent_http_destroy(struct agent_http *http)
{
	if (!http)
		return;
	agent_pacer_destroy(http->pacer);
	agent_pools_destroy(http->requests);
	agent_pools_destroy(http->streams);
	free(http->authorization);
	free(http->key);
	free(http->url);
	free(http);
}

void agent_http_do_not_pace(struct agent_http *http)
{
	agent_pacer_destroy(http->pacer);
	http->pacer = NULL;
}

uv_loop_t *agent_http_loop(const struct agent_http *http)
{
	return http->loop;
}

int64_t agent_http_deadline(const struct agent_http *http)
{
	return clock_now() + http->request_ns;
}

int64_t agent_http_spread(struct agent_http *http, int64_t pause_ns)
{
	return pause_ns - (int64_t)((double)pause_ns * rng_next(&http->rng) / 4);
}

void agent_http_escape(struct buf *url, const char *text)
{
	for (; *text; text++) {
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9') || strchr("_-~", *text))
			buf_add(url, text, 1);
		else
			buf_addf(url, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

static char *make_path(const struct agent_http_request *request)
{
	SCOPED(buf_done) struct buf path = {0};

	buf_adds(&path, request->collection ? request->collection : "/v1/sessions");
	if (request->id) {
		buf_adds(&path, "/");
		agent_http_escape(&path, request->id);
	}
	if (request->rest)
		buf_adds(&path, request->rest);
	return buf_take(&path);
}

bool agent_http_is_running(const char *status)
{
	return status &&
		(strcmp(status, "running") == 0 || strcmp(status, "rescheduling") == 0);
}

cJSON *agent_http_interrupt(void)
{
	return json_fill(NULL, "{'events': [{'type': 'user.interrupt'}]}");
}

/* An API may repeat the request in its errors. A key shorter than KEY_LEN_MIN is a
 * test's, and could be part of any word. */
static void hide_key(const struct agent_http *http, char *text)
{
	size_t len = http->key ? strlen(http->key) : 0;
	char *found;

	while (len >= KEY_LEN_MIN && (found = strstr(text, http->key)))
		memset(found, '*', len);
}

char *agent_http_error_text(
	const struct agent_http *http, const struct fetch_result *result)
{
	SCOPED(json_free) cJSON *json =
		json_parse(buf_text(result->body), result->body->len);
	const cJSON *error = json_get(json, "error");
	const char *type = json_text(error, "type");
	const char *said = json_text(error, "message");
	char *words;

	if (result->end != FETCH_ANSWERED)
		words = mem_text(result->why);
	else
		words = mem_textf("HTTP %ld%s%.60s%s%.400s", result->status,
			type ? " " : "", type ? type : "", said ? ": " : "",
			said ? said : "");
	hide_key(http, words);
	return words;
}

struct fetch_call *agent_http_stream(struct agent_http *http, const char *session_id,
	fetch_data_fn *data, fetch_done_fn *done, void *arg, struct err *err)
{
	SCOPED(mem_free) char *path = make_path(&(struct agent_http_request){
		.id = session_id, .rest = "/events/stream"});
	SCOPED(mem_free) char *url = mem_textf("%s%s", http->url, path);
	struct fetch_request request = {
		.url = url,
		.headers = http->headers + 1,
		.data = data,
		.tells_head = true,
		.http2 = http->http2,
		.done = done,
		.arg = arg,
	};

	return fetch_start(
		agent_pools_choose(http->streams, session_id), &request, err);
}

static void call_free(struct agent_http_call *call)
{
	free(call->path);
	free(call->body);
	free(call->unstarted);
	loop_timer_destroy(call->timer);
	free(call);
}

static void call_finish(
	struct agent_http_call *call, const struct agent_response *response)
{
	call->request.done(call->request.arg, response);
	call_free(call);
}

static void start_timer(struct agent_http_call *call, int64_t pause_ns)
{
	if (!call->timer)
		call->timer = loop_timer_create(call->http->loop, on_timer, call);
	loop_timer_set(call->timer, pause_ns);
}

/* The request had no effect and will have none. */
static bool certainly_not_accepted(const struct fetch_result *result)
{
	if (result->end == FETCH_REFUSED)
		return true;
	if (result->end == FETCH_ANSWERED)
		return result->status / 100 == 4 || result->status == 529;
	return !result->sent;
}

static bool retry_is_safe(
	const struct agent_http_call *call, const struct fetch_result *result)
{
	return call->request.retry == AGENT_HTTP_RETRY_ALWAYS ||
		certainly_not_accepted(result) ||
		(call->request.retry == AGENT_HTTP_RETRY_FAILED &&
			result->end == FETCH_ANSWERED);
}

/* A timeout is not: the deadline is that of all tries. */
static bool is_temporary(const struct fetch_result *result)
{
	if (result->end == FETCH_ANSWERED)
		return result->status == 429 || result->status >= 500;
	return result->end == FETCH_REFUSED || result->end == FETCH_BROKEN;
}

/* The pause that the API asks for, or twice the last one. */
static int64_t pause_before_retry(
	const struct agent_http_call *call, const struct fetch_result *result)
{
	if (call->stale)
		return 0;
	if (result->retry_after_ns)
		return result->retry_after_ns;
	return agent_http_spread(call->http, FIRST_PAUSE_NS << (call->tries - 1));
}

static bool is_paced(const struct agent_http_call *call)
{
	return call->request.paced && call->http->pacer;
}

/* True: the API's limit refused the request, which will be sent again in its turn. */
static bool try_in_turn(struct agent_http_call *call, const struct fetch_result *result)
{
	int64_t deadline_ns = call->request.deadline_ns;
	int64_t wait_ns = result->retry_after_ns;

	if (!is_paced(call) || result->end != FETCH_ANSWERED || result->status != 429)
		return false;
	if (wait_ns == 0)
		wait_ns = agent_http_spread(call->http, FIRST_PAUSE_NS);
	if (clock_now() + wait_ns >= deadline_ns)
		return false;
	call->tries--;
	agent_pacer_refused(call->http->pacer, &call->paced, wait_ns);
	return true;
}

/* True: the request will be sent again. */
static bool try_again(struct agent_http_call *call, const struct fetch_result *result)
{
	int64_t pause_ns, deadline_ns = call->request.deadline_ns;

	if (try_in_turn(call, result))
		return true;
	if (call->tries >= TRIES || !is_temporary(result) ||
		!retry_is_safe(call, result))
		return false;
	call->stale = result->end == FETCH_BROKEN && result->reused && !result->status;
	pause_ns = pause_before_retry(call, result);
	if (deadline_ns && clock_now() + pause_ns >= deadline_ns)
		return false;
	start_timer(call, pause_ns);
	return true;
}

/* What was not parsed for its content has to be JSON all the same: something else says
 * nothing of what the API did. */
static bool is_json_or_empty(const struct agent_http_call *call, const struct buf *body)
{
	return body->len == 0 ||
		(call->request.unread && json_is_valid(body->data, body->len));
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
	struct agent_http_call *call = arg;
	struct agent_response response = {.status = result->status};
	const char *method = call->request.method;
	bool good = result->end == FETCH_ANSWERED && result->status / 100 == 2;
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *words = NULL;
	SCOPED(mem_free) char *why = NULL;

	call->fetch = NULL;
	if (try_again(call, result))
		return;
	if (result->end == FETCH_ANSWERED && !(good && call->request.unread))
		json = json_parse(buf_text(result->body), result->body->len);
	if (!good)
		words = agent_http_error_text(call->http, result);
	else if (!json && !is_json_or_empty(call, result->body))
		words = mem_textf(
			"HTTP %ld, and the answer is not JSON", result->status);
	if (words)
		response.why = why = call->tries > 1
			? mem_textf("%s %s: %s (tried %u times)", method, call->path,
				  words, call->tries)
			: mem_textf("%s %s: %s", method, call->path, words);
	response.json = json;
	response.unsure = why && !certainly_not_accepted(result);
	call_finish(call, &response);
}

static void try_once(struct agent_http_call *call)
{
	struct agent_http *http = call->http;
	SCOPED(mem_free) char *url = mem_textf("%s%s", http->url, call->path);
	int64_t deadline_ns = call->request.deadline_ns;
	struct fetch_request request = {
		.method = call->request.method,
		.url = url,
		.headers = http->headers + (call->body ? 0 : 1),
		.body = call->body,
		.body_len = call->body ? strlen(call->body) : 0,
		.body_ceiling = BODY_CEILING,
		.done = on_fetched,
		.arg = call,
		/* a dead warm connection leaves it open whether the API got the
		 * request */
		.fresh = call->request.retry != AGENT_HTTP_RETRY_ALWAYS || call->stale,
		.keep = call->request.keep,
		.last = call->request.last,
		.small = true,
		.http2 = http->http2,
	};
	struct err err;

	if (deadline_ns) {
		request.timeout_ns = deadline_ns - clock_now();
		if (request.timeout_ns < CLOCK_MS)
			request.timeout_ns = CLOCK_MS;
	}
	call->tries++;
	call->fetch = fetch_start(call->pool, &request, &err);
	if (!call->fetch) {
		call->unstarted =
			mem_textf("%s %s: %s", request.method, call->path, err.text);
		start_timer(call, 0);
	}
}

static void on_timer(void *arg)
{
	struct agent_http_call *call = arg;

	if (call->unstarted)
		call_finish(call, &(struct agent_response){.why = call->unstarted});
	else
		try_once(call);
}

static void on_turn(void *arg)
{
	try_once(arg);
}

struct agent_http_call *agent_http_start(
	struct agent_http *http, const struct agent_http_request *request)
{
	struct agent_http_call *call = mem_zeroed(sizeof *call);

	call->http = http;
	call->pool = agent_pools_choose(http->requests, request->id);
	call->request = *request;
	call->path = make_path(request);
	call->body = request->body ? json_print(request->body) : NULL;
	cJSON_Delete(request->body);
	call->paced = (struct agent_pacer_entry){.send = on_turn, .arg = call};
	if (!is_paced(call) || agent_pacer_may_send(http->pacer, &call->paced))
		try_once(call);
	return call;
}

void agent_http_cancel(struct agent_http_call *call)
{
	if (!call)
		return;
	if (call->fetch)
		fetch_cancel(call->fetch);
	if (is_paced(call))
		agent_pacer_leave(call->http->pacer, &call->paced);
	call_free(call);
}

#include "service/agent/agent_http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/latency.h"
#include "lib/mem.h"

#define VERSION        "anthropic-version: 2026-10-21"
#define BETA           "anthropic-beta: managed-agents-2026-04-01"
#define USER_AGENT     "user-agent: stopbench-service/1"
#define ANSWER_CEILING ((size_t)8 << 20)
#define TRIES          3
#define FIRST_PAUSE_NS (250 * CLOCK_MS)
#define KEY_LEN_MIN    8

struct agent_http {
	uv_loop_t *loop;
	char *url; /* without a slash at its end */
	char *key;
	char *authorization; /* a whole header */
	const char *headers[8];
	struct fetch *requests;
	struct fetch *streams;
	struct rng rng;
};

struct agent_http_call {
	struct agent_http *wire;
	char *method;
	char *path;
	char *body;
	int64_t deadline_ns;
	enum agent_http_retry repeat;
	agent_http_done_fn *done;
	void *arg;
	unsigned tries;
	bool stale; /* the last try was on a warm connection that had died */
	struct fetch_call *fetch; /* under way */
	char *unstarted;          /* why it could not even begin */
	uv_timer_t timer;         /* until the next try */
	bool timed;               /* the timer was used */
};

static void on_timer(uv_timer_t *timer);

/* The last of them is about a body. */
static void give_headers(
	const struct agent_http *wire, const char **headers, bool with_body)
{
	const char *const *header = wire->headers;

	for (; header[with_body ? 0 : 1]; header++)
		*headers++ = *header;
	*headers = NULL;
}

static void make_headers(struct agent_http *wire)
{
	const char **header = wire->headers;

	if (wire->key) {
		wire->authorization = mem_textf("authorization: Bearer %s", wire->key);
		*header++ = wire->authorization;
	}
	*header++ = VERSION;
	*header++ = BETA;
	*header++ = USER_AGENT;
	*header++ = "accept: application/json";
	*header++ = "content-type: application/json";
}

struct agent_http *agent_http_create(uv_loop_t *loop, const char *url, const char *key,
	unsigned connections, struct err *err)
{
	struct agent_http *wire = mem_zeroed(sizeof *wire);
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	wire->loop = loop;
	wire->url = mem_textf("%.*s", (int)len, url);
	wire->key = key && *key ? mem_text(key) : NULL;
	make_headers(wire);
	rng_seed(&wire->rng, (uint64_t)clock_now());
	wire->requests = fetch_create(loop, connections, err);
	if (wire->requests)
		wire->streams = fetch_create(loop, connections, err);
	if (!wire->streams) {
		agent_http_destroy(wire);
		return NULL;
	}
	return wire;
}

void agent_http_destroy(struct agent_http *wire)
{
	if (!wire)
		return;
	fetch_destroy(wire->requests);
	fetch_destroy(wire->streams);
	free(wire->authorization);
	free(wire->key);
	free(wire->url);
	free(wire);
}

uv_loop_t *agent_http_loop(const struct agent_http *wire)
{
	return wire->loop;
}

int64_t agent_http_spread(struct agent_http *wire, int64_t pause_ns)
{
	return pause_ns - (int64_t)((double)pause_ns * rng_next(&wire->rng) / 4);
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

char *agent_http_path_in(const char *collection, const char *id, const char *rest)
{
	SCOPED(buf_done) struct buf path = {0};

	buf_addf(&path, "%s/", collection);
	agent_http_escape(&path, id);
	buf_adds(&path, rest);
	return buf_take(&path);
}

char *agent_http_path(const char *session_id, const char *rest)
{
	return agent_http_path_in("/v1/sessions", session_id, rest);
}

cJSON *agent_http_events(cJSON *event)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "events"), event);
	return body;
}

cJSON *agent_http_interrupt(void)
{
	cJSON *event = cJSON_CreateObject();

	cJSON_AddStringToObject(event, "type", "user.interrupt");
	return agent_http_events(event);
}

/* An API may repeat in its errors what we sent it. What is shorter than a key can be
 * is some test's, and would only spoil words. */
static void hide_key(const struct agent_http *wire, char *text)
{
	size_t len = wire->key ? strlen(wire->key) : 0;
	char *found;

	while (len >= KEY_LEN_MIN && (found = strstr(text, wire->key)))
		memset(found, '*', len);
}

char *agent_http_words(const struct agent_http *wire, const struct fetch_result *result)
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
	hide_key(wire, words);
	return words;
}

struct fetch_call *agent_http_stream(struct agent_http *wire, const char *path,
	fetch_data_fn *data, fetch_done_fn *done, void *arg, struct err *err)
{
	SCOPED(mem_free) char *url = mem_textf("%s%s", wire->url, path);
	const char *headers[COUNT(wire->headers)];
	struct fetch_request request = {
		.url = url, .headers = headers, .data = data, .done = done, .arg = arg};

	give_headers(wire, headers, false);
	return fetch_start(wire->streams, &request, err);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void call_free(struct agent_http_call *call)
{
	free(call->method);
	free(call->path);
	free(call->body);
	free(call->unstarted);
	if (call->timed)
		uv_close((uv_handle_t *)&call->timer, on_timer_closed);
	else
		free(call);
}

static void call_finish(
	struct agent_http_call *call, const struct agent_http_response *answer)
{
	call->done(call->arg, answer);
	call_free(call);
}

static void start_timer(struct agent_http_call *call, int64_t pause_ns)
{
	if (!call->timed) {
		uv_timer_init(call->wire->loop, &call->timer);
		call->timer.data = call;
		call->timed = true;
	}
	uv_timer_start(&call->timer, on_timer, clock_ms_up(pause_ns), 0);
}

/* Nobody has carried the request out, and nobody will. */
static bool certainly_not_accepted(const struct fetch_result *result)
{
	if (result->end == FETCH_REFUSED)
		return true;
	if (result->end == FETCH_ANSWERED)
		return result->status == 429 || result->status == 529 ||
			(result->status >= 400 && result->status < 500);
	return !result->sent;
}

static bool may_be_repeated(
	const struct agent_http_call *call, const struct fetch_result *result)
{
	switch (call->repeat) {
	case AGENT_HTTP_RETRY_ALWAYS:
		return true;
	case AGENT_HTTP_RETRY_FAILED:
		return result->end == FETCH_ANSWERED || certainly_not_accepted(result);
	case AGENT_HTTP_RETRY_UNSENT:
		return certainly_not_accepted(result);
	}
	return false;
}

static bool may_pass(const struct fetch_result *result)
{
	switch (result->end) {
	case FETCH_REFUSED:
	case FETCH_BROKEN:
		return true;
	case FETCH_ANSWERED:
		return result->status == 429 || result->status >= 500;
	case FETCH_TIMED_OUT: /* its time is up for all tries */
	case FETCH_FAILED:
		return false;
	}
	return false;
}

/* As long as the API asks for, or each time twice as long as before. */
static int64_t pause_before_next(
	const struct agent_http_call *call, const struct fetch_result *result)
{
	if (call->stale)
		return 0;
	if (result->retry_after_ns)
		return result->retry_after_ns;
	return agent_http_spread(call->wire, FIRST_PAUSE_NS << (call->tries - 1));
}

/* True: it will be tried again. */
static bool try_again(struct agent_http_call *call, const struct fetch_result *result)
{
	int64_t pause_ns;

	if (call->tries >= TRIES || !may_pass(result) || !may_be_repeated(call, result))
		return false;
	call->stale = result->end == FETCH_BROKEN && result->reused && !result->status;
	pause_ns = pause_before_next(call, result);
	if (call->deadline_ns && clock_now() + pause_ns >= call->deadline_ns)
		return false;
	start_timer(call, pause_ns);
	return true;
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
	struct agent_http_call *call = arg;
	struct agent_http_response answer = {.status = result->status};
	bool good = result->end == FETCH_ANSWERED && result->status / 100 == 2;
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *words = NULL;
	SCOPED(mem_free) char *why = NULL;

	call->fetch = NULL;
	if (try_again(call, result))
		return;
	if (result->end == FETCH_ANSWERED)
		json = json_parse(buf_text(result->body), result->body->len);
	if (!good)
		words = agent_http_words(call->wire, result);
	else if (!json && result->body->len > 0)
		words = mem_textf(
			"HTTP %ld, and the answer is not JSON", result->status);
	if (words)
		answer.why = why = call->tries > 1
			? mem_textf("%s %s: %s (tried %u times)", call->method,
				  call->path, words, call->tries)
			: mem_textf("%s %s: %s", call->method, call->path, words);
	answer.json = json;
	answer.unsure = why && !certainly_not_accepted(result);
	call_finish(call, &answer);
}

static void try_once(struct agent_http_call *call)
{
	struct agent_http *wire = call->wire;
	SCOPED(mem_free) char *url = mem_textf("%s%s", wire->url, call->path);
	const char *headers[COUNT(wire->headers)];
	struct fetch_request request = {
		.method = call->method,
		.url = url,
		.headers = headers,
		.body = call->body,
		.body_len = call->body ? strlen(call->body) : 0,
		.body_ceiling = ANSWER_CEILING,
		.done = on_fetched,
		.arg = call,
		/* a warm connection may have died, and then nobody knows */
		.fresh = call->repeat != AGENT_HTTP_RETRY_ALWAYS || call->stale,
	};
	struct err err;

	give_headers(wire, headers, call->body != NULL);
	if (call->deadline_ns) {
		request.timeout_ns = call->deadline_ns - clock_now();
		if (request.timeout_ns < CLOCK_MS)
			request.timeout_ns = CLOCK_MS;
	}
	call->tries++;
	call->fetch = fetch_start(wire->requests, &request, &err);
	if (!call->fetch) {
		call->unstarted =
			mem_textf("%s %s: %s", call->method, call->path, err.text);
		start_timer(call, 0);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_http_call *call = timer->data;

	if (call->unstarted)
		call_finish(
			call, &(struct agent_http_response){.why = call->unstarted});
	else
		try_once(call);
}

struct agent_http_call *agent_http_start(
	struct agent_http *wire, const struct agent_http_request *request)
{
	struct agent_http_call *call = mem_zeroed(sizeof *call);

	call->wire = wire;
	call->method = mem_text(request->method);
	call->path = mem_text(request->path);
	call->body = request->body ? json_print(request->body) : NULL;
	call->deadline_ns = request->deadline_ns;
	call->repeat = request->repeat;
	call->done = request->done;
	call->arg = request->arg;
	cJSON_Delete(request->body);
	try_once(call);
	return call;
}

void agent_http_cancel(struct agent_http_call *call)
{
	if (!call)
		return;
	if (call->fetch)
		fetch_cancel(call->fetch);
	call_free(call);
}

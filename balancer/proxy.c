#include "balancer/proxy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/strlist.h"

#define CONNECTIONS_MOST 65536
#define BODY_CEILING     ((size_t)16 << 20) /* of requests and of answers */
#define IDLE_NS          (300 * CLOCK_S)
#define LINGER_NS        (1 * CLOCK_S)
#define RETRY_AFTER      "1"

struct proxy {
	const struct balancer_config *config;
	struct backends *backends;
	struct web *web;
};

/* A request that is passed on; the data of its exchange. */
struct passage {
	struct proxy *proxy;
	struct web_exchange *exchange;
	struct backend *backend; /* who has it; NULL: nobody */
	struct fetch_call *call; /* NULL: none is under way */
	int64_t tries;
	bool streams;    /* its answer goes on piece by piece */
	struct buf held; /* of a 2xx whose length is known */
};

static void send_on(struct passage *passage, const struct backend *avoid);

/* --- headers --- */

/* Of this connection alone, or written anew on the next one. */
static bool is_of_connection(const char *name)
{
	static const char *const names[] = {"Connection", "Keep-Alive",
		"Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Content-Length", "Expect"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void add_request_header(void *arg, const char *name, const char *value)
{
	/* Curl takes a header without a value for one to leave out. */
	if (!is_of_connection(name) && value[0])
		strlist_add(arg, "%s: %s", name, value);
}

static void add_answer_header(void *arg, const char *name, const char *value)
{
	if (!is_of_connection(name) && strcasecmp(name, "Date") != 0)
		web_add_header(arg, name, value);
}

static void add_answer_headers(const struct passage *passage)
{
	fetch_each_header(passage->call, add_answer_header, passage->exchange);
	web_add_header(passage->exchange, "X-Backend", passage->backend->address);
}

/* --- the answer --- */

static void log_request(
	const char *event, const struct passage *passage, const char *why)
{
	log_event(event, "backend",
		LOG_TEXT(passage->backend ? passage->backend->address : NULL), "method",
		LOG_TEXT(passage->exchange->method), "path",
		LOG_TEXT(passage->exchange->path), "why", LOG_TEXT(why));
}

static void refuse(struct passage *passage, unsigned status, const char *why)
{
	SCOPED(mem_free) char *body = mem_textf("{\"error\":\"%s\"}\n", why);

	if (status == 503)
		web_add_header(passage->exchange, "Retry-After", RETRY_AFTER);
	if (passage->backend)
		web_add_header(
			passage->exchange, "X-Backend", passage->backend->address);
	web_reply(passage->exchange, status, "application/json", body, strlen(body));
}

static void begin_stream(struct passage *passage)
{
	add_answer_headers(passage);
	web_stream_begin(
		passage->exchange, (unsigned)fetch_status(passage->call), NULL);
	web_stream_add(passage->exchange, buf_text(&passage->held), passage->held.len);
	passage->streams = true;
}

/* A piece of a 2xx, or first its head, without bytes. What is longer than the ceiling flows as well. */
static void on_data(void *arg, const char *data, size_t len)
{
	struct passage *passage = arg;

	bool is_held = fetch_header(passage->call, "Content-Length") ||
		fetch_status(passage->call) == 204;

	if (!passage->streams && is_held && buf_add(&passage->held, data, len))
		return;
	if (!passage->streams)
		begin_stream(passage);
	web_stream_add(passage->exchange, data, len);
}

static void finish(struct passage *passage, const struct fetch_result *result)
{
	const struct buf *body = passage->held.len ? &passage->held : result->body;

	if (passage->streams) {
		web_stream_end(passage->exchange);
		return;
	}
	add_answer_headers(passage);
	web_reply(passage->exchange, (unsigned)result->status, NULL, buf_text(body),
		body->len);
}

/* The client sees what the backend has done: an answer that ends too early. */
static void cut(struct passage *passage)
{
	if (!passage->streams)
		begin_stream(passage);
	web_stream_cut(passage->exchange);
}

static bool may_retry(const struct passage *passage, const struct fetch_result *result)
{
	return result->end != FETCH_ANSWERED && result->status == 0 &&
		result->end != FETCH_TIMED_OUT &&
		passage->tries <= passage->proxy->config->retries;
}

static void fail(struct passage *passage, const struct fetch_result *result)
{
	log_request("request.failed", passage, result->why);
	if (result->status / 100 == 2)
		cut(passage);
	else if (result->end == FETCH_TIMED_OUT)
		refuse(passage, 504, "the backend did not answer in time");
	else
		refuse(passage, 502, "the backend did not answer");
}

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct passage *passage = arg;
	struct backend *backend = passage->backend;
	bool retries = may_retry(passage, result);

	if (result->end == FETCH_ANSWERED)
		finish(passage, result);
	else if (retries)
		log_request("request.retried", passage, result->why);
	else
		fail(passage, result);
	passage->call = NULL;
	passage->backend = NULL;
	if (retries)
		send_on(passage, backend);
	backend_leave(backend);
}

/* --- the request --- */

static bool start(struct passage *passage, struct err *err)
{
	struct web_exchange *exchange = passage->exchange;
	SCOPED(strlist_done) struct strlist headers = {0};
	SCOPED(mem_free)
	char *url = mem_textf(
		"http://%s%s", passage->backend->address, web_target(exchange));
	bool has_body = exchange->body.len > 0;

	web_each_header(exchange, add_request_header, &headers);
	passage->call = fetch_start(passage->backend->fetch,
		&(struct fetch_request){
			.method = exchange->method,
			.url = url,
			.headers = (const char *const *)headers.item,
			.body = has_body ? exchange->body.data : NULL,
			.body_len = exchange->body.len,
			.timeout_ns = passage->proxy->config->timeout_ns,
			.reuse_s = (unsigned)passage->proxy->config->idle_s,
			.body_ceiling = BODY_CEILING,
			.data = on_data,
			.tells_head = true,
			.done = on_answer,
			.arg = passage,
			.all_heads = true,
		},
		err);
	return passage->call != NULL;
}

static void send_on(struct passage *passage, const struct backend *avoid)
{
	struct backend *backend = backends_next(passage->proxy->backends, avoid);
	struct err err;

	if (!backend) {
		log_request("request.failed", passage, "there is no backend");
		refuse(passage, 503, "there is no backend");
		return;
	}
	passage->tries++;
	passage->backend = backend;
	backend_enter(backend);
	if (start(passage, &err))
		return;
	log_request("request.failed", passage, err.text);
	refuse(passage, 502, "the request cannot be passed on");
	passage->backend = NULL;
	backend_leave(backend);
}

static void handle(void *arg, struct web_exchange *exchange)
{
	struct passage *passage = mem_zeroed(sizeof *passage);

	passage->proxy = arg;
	passage->exchange = exchange;
	buf_init(&passage->held, BODY_CEILING);
	exchange->data = passage;
	/* A proxy for the whole of the web is another program. */
	if (web_target(exchange)[0] == '/')
		send_on(passage, NULL);
	else
		refuse(passage, 400, "the target of a request begins with a slash");
}

/* Answered, or the client has left. */
static void over(
	void *arg UNUSED, struct web_exchange *exchange, enum web_end end UNUSED)
{
	struct passage *passage = exchange->data;

	if (passage->call) {
		fetch_cancel(passage->call);
		backend_leave(passage->backend);
	}
	buf_done(&passage->held);
	free(passage);
}

struct proxy *proxy_create(uv_loop_t *loop, const struct balancer_config *config,
	struct backends *backends, struct err *err)
{
	struct proxy *proxy = mem_zeroed(sizeof *proxy);

	proxy->config = config;
	proxy->backends = backends;
	proxy->web = web_create(loop,
		&(struct web_options){
			.host = config->host,
			.port = (uint16_t)config->port,
			.connections = CONNECTIONS_MOST,
			.idle_ns = IDLE_NS,
			.body_ceiling = BODY_CEILING,
			.keeps_target = true,
			.handle = handle,
			.over = over,
			.arg = proxy,
		},
		err);
	if (!proxy->web) {
		proxy_destroy(proxy);
		return NULL;
	}
	return proxy;
}

uint16_t proxy_port(const struct proxy *proxy)
{
	return web_port(proxy->web);
}

void proxy_drain(struct proxy *proxy, web_drained_fn *done, void *arg)
{
	web_drain(proxy->web, LINGER_NS, done, arg);
}

void proxy_destroy(struct proxy *proxy)
{
	if (!proxy)
		return;
	web_destroy(proxy->web);
	free(proxy);
}

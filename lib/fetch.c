#include "lib/fetch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/fetch_curl.h"
#include "lib/fetch_http2.h"
#include "lib/mem.h"
#include "lib/signals.h"

/* Of the connections: calls that begin and end have as many easy handles. More are freed
 * when their calls end, and not all together when the fetch does. */
#define IDLE_SHARE 8

struct fetch {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	uv_idle_t soon;           /* active: curl is due in the next turn of the loop */
	struct fetch_call *calls; /* not handed over yet */
	struct fetch_call *queue; /* calls with something to hand over, oldest first */
	CURL **idle;              /* easy handles for reuse */
	unsigned idle_count, idle_max;
	struct fetch_http2 *http2; /* NULL: not needed yet */
	unsigned handles;
	bool closing;
};

/* A socket that curl waits for. */
struct fetch_socket {
	uv_poll_t poll;
	struct fetch *fetch;
	curl_socket_t fd;
	int events;
};

static void release_handle(struct fetch *fetch)
{
	if (--fetch->handles == 0 && fetch->closing)
		free(fetch);
}

static void on_closed(uv_handle_t *handle)
{
	release_handle(handle->data);
}

static void on_call_closed(uv_handle_t *handle)
{
	struct fetch_call *call = handle->data;

	release_handle(call->fetch);
	buf_done(&call->body);
	buf_done(&call->arrived);
	buf_done(&call->found);
	free(call);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct fetch_socket *socket = handle->data;

	release_handle(socket->fetch);
	free(socket);
}

/* Calls */

/* Curl 7.88 leaves its buffer to a handle whose connection serves others when the call
 * ends, and takes it for one of the size that curl_easy_reset() sets. */
static void return_easy(struct fetch_call *call)
{
	struct fetch *fetch = call->fetch;

	if (call->easy && !call->shares && fetch->idle_count < fetch->idle_max) {
		curl_easy_reset(call->easy);
		fetch->idle[fetch->idle_count++] = call->easy;
	} else {
		curl_easy_cleanup(call->easy);
	}
	fetch_curl_unload(call);
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

/* `data` may cancel the call. */
static void tell_head(struct fetch_call *call)
{
	if (!call->head_came)
		return;
	call->head_came = false;
	call->data(call->arg, "", 0);
}

/* The owner's callbacks may start and cancel calls, and destroy the fetch. */
static void hand_over(struct fetch *fetch)
{
	struct fetch_call *call;

	while ((call = fetch->queue)) {
		struct buf piece = call->arrived;

		fetch_call_unqueue(call);
		buf_init(&call->arrived, 0);
		tell_head(call);
		if (piece.len > 0 && !call->gone)
			call->data(call->arg, piece.data, piece.len);
		buf_done(&piece);
		if (call->gone || !call->over)
			continue;
		retire(call);
		call->done(call->arg, &call->result);
	}
}

static void give_up(struct fetch_call *call, enum fetch_end end, const char *why)
{
	if (call->stream) {
		call->result.sent = fetch_http2_has_left(call);
		fetch_http2_cancel(call);
		fetch_call_end(call, end, why);
		return;
	}
	curl_multi_remove_handle(call->fetch->multi, call->easy);
	fetch_curl_finish(call, end, why);
	return_easy(call);
}

/* Over HTTP/2 its end may wait in the queue already. */
static void on_deadline(uv_timer_t *timer)
{
	struct fetch_call *call = timer->data;
	char why[64];

	snprintf(why, sizeof why, "no whole answer within %s",
		CLOCK_TEXT(call->timeout_ns));
	if (!call->over)
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
	call->tells_head = request->tells_head;
	call->heads = request->heads;
	call->all_heads = request->all_heads;
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

static void on_queued(void *arg)
{
	hand_over(arg);
}

static bool is_http2(const struct fetch_request *request)
{
	return request->http2 && strncasecmp(request->url, "https:", 6) != 0;
}

static bool begin(
	struct fetch_call *call, const struct fetch_request *request, struct err *err)
{
	struct fetch *fetch = call->fetch;
	CURLMcode code;

	if (is_http2(request)) {
		if (!fetch->http2)
			fetch->http2 =
				fetch_http2_create(fetch->loop, on_queued, fetch);
		return fetch_http2_begin(fetch->http2, call, request, err);
	}
	call->easy = fetch->idle_count > 0 ? fetch->idle[--fetch->idle_count]
					   : curl_easy_init();
	if (!call->easy)
		return err_set(err, "curl gives no easy handle");
	if (!fetch_curl_prepare(call, request, err))
		return false;
	code = curl_multi_add_handle(fetch->multi, call->easy);
	return code == CURLM_OK || err_set(err, "curl: %s", curl_multi_strerror(code));
}

char *fetch_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
	char *copy = mem_text(escaped ? escaped : "");

	curl_free(escaped);
	return copy;
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

bool fetch_is_sent(const struct fetch_call *call)
{
	if (call->stream)
		return fetch_http2_has_left(call);
	return call->easy && fetch_curl_has_left(call);
}

const char *fetch_header(const struct fetch_call *call, const char *name)
{
	const char *end = call->found.data + call->found.len;
	const char *value, *found = NULL;

	for (const char *at = call->found.data; at < end;
		at = strchr(value, '\0') + 1) {
		value = strchr(at, '\0') + 1;
		if (strcasecmp(at, name) == 0)
			found = value;
	}
	return found;
}

void fetch_each_header(const struct fetch_call *call, fetch_header_fn *each, void *arg)
{
	const char *end = call->found.data + call->found.len;
	const char *value;

	for (const char *at = call->found.data; at < end;
		at = strchr(value, '\0') + 1) {
		value = strchr(at, '\0') + 1;
		each(arg, at, value);
	}
}

long fetch_status(const struct fetch_call *call)
{
	long status = call->result.status;

	if (call->easy && !call->over)
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

void fetch_cancel(struct fetch_call *call)
{
	if (call->stream)
		fetch_http2_cancel(call);
	if (call->easy)
		curl_multi_remove_handle(call->fetch->multi, call->easy);
	return_easy(call);
	retire(call);
}

/* Curl on the loop */

static void end_transfer(struct fetch *fetch, CURL *easy, CURLcode code)
{
	struct fetch_call *call = NULL;

	curl_multi_remove_handle(fetch->multi, easy);
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	fetch_curl_conclude(call, code);
	return_easy(call);
}

/* Any action may end any transfer. Handing over may destroy the fetch. */
static void act(struct fetch *fetch, curl_socket_t fd, int flags)
{
	int running, queued;
	CURLMcode code = curl_multi_socket_action(fetch->multi, fd, flags, &running);
	const CURLMsg *message;

	while ((message = curl_multi_info_read(fetch->multi, &queued)))
		if (message->msg == CURLMSG_DONE)
			end_transfer(fetch, message->easy_handle, message->data.result);
	for (struct fetch_call *call = fetch->calls; call && code; call = call->next)
		if (!call->over && call->easy)
			give_up(call, FETCH_FAILED, curl_multi_strerror(code));
	hand_over(fetch);
}

/* libuv stops polling after an error. Without flags curl reads the socket itself: a
 * reset may follow a whole answer. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct fetch_socket *socket = poll->data;
	int flags = 0;

	if (status == 0) {
		flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
		flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	}
	act(socket->fetch, socket->fd, flags);
	if (status != 0 && !uv_is_closing((uv_handle_t *)poll))
		uv_poll_start(poll, socket->events, on_poll);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_soon(uv_idle_t *soon)
{
	uv_idle_stop(soon);
	act(soon->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Called by curl, so it acts later. "At once" is the next turn of the loop: a zero
 * timer that a timer started would run before the loop polls again. */
static int on_timer_wanted(CURLM *multi UNUSED, long ms, void *arg)
{
	struct fetch *fetch = arg;

	if (fetch->closing)
		return 0;
	uv_timer_stop(&fetch->timer);
	uv_idle_stop(&fetch->soon);
	if (ms == 0)
		uv_idle_start(&fetch->soon, on_soon);
	else if (ms > 0)
		uv_timer_start(&fetch->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static struct fetch_socket *watch_socket(struct fetch *fetch, curl_socket_t fd)
{
	struct fetch_socket *socket = mem_zeroed(sizeof *socket);

	socket->fetch = fetch;
	socket->fd = fd;
	socket->poll.data = socket;
	if (uv_poll_init_socket(fetch->loop, &socket->poll, fd) != 0) {
		free(socket);
		return NULL;
	}
	fetch->handles++;
	curl_multi_assign(fetch->multi, fd, socket);
	return socket;
}

/* Called by curl, so it acts later. */
static int on_socket_wanted(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct fetch *fetch = arg;
	struct fetch_socket *socket = assigned;

	if (what == CURL_POLL_REMOVE) {
		if (socket)
			uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
		curl_multi_assign(fetch->multi, fd, NULL);
		return 0;
	}
	if (!socket)
		socket = watch_socket(fetch, fd);
	if (!socket)
		return -1;
	socket->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
		(what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	return uv_poll_start(&socket->poll, socket->events, on_poll) == 0 ? 0 : -1;
}

static bool create_multi(struct fetch *fetch, long connections)
{
	CURLM *multi = fetch->multi = curl_multi_init();
	unsigned failed = 0;

	if (!multi)
		return false;
	failed |= curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	failed |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, fetch);
	failed |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	failed |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, fetch);
	failed |= curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
	return failed == 0;
}

struct fetch *fetch_create(uv_loop_t *loop, unsigned connections, struct err *err)
{
	struct fetch *fetch;

	assert(connections > 0);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, "curl cannot be initialized");
		return NULL;
	}
	signals_ignore_sigpipe();
	fetch = mem_zeroed(sizeof *fetch);
	fetch->loop = loop;
	fetch->idle_max = connections / IDLE_SHARE + 1;
	fetch->idle = mem_grown(NULL, fetch->idle_max, sizeof *fetch->idle);
	uv_timer_init(loop, &fetch->timer);
	uv_idle_init(loop, &fetch->soon);
	fetch->timer.data = fetch->soon.data = fetch;
	fetch->handles = 2;
	if (create_multi(fetch, connections))
		return fetch;
	fetch_destroy(fetch);
	err_set(err, "curl gives no multi handle");
	return NULL;
}

/* Newer versions of curl add and remove sockets while they clean up. */
void fetch_destroy(struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch->closing = true;
	while (fetch->calls)
		fetch_cancel(fetch->calls);
	fetch_http2_destroy(fetch->http2);
	while (fetch->idle_count > 0)
		curl_easy_cleanup(fetch->idle[--fetch->idle_count]);
	free(fetch->idle);
	curl_multi_cleanup(fetch->multi);
	uv_close((uv_handle_t *)&fetch->timer, on_closed);
	uv_close((uv_handle_t *)&fetch->soon, on_closed);
	curl_global_cleanup();
}

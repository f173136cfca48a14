#include "lib/curl_loop.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/mem.h"

struct curl_loop {
	uv_loop_t *loop;
	CURLM *curl;
	struct curl_loop_events events;
	void *arg;
	uv_timer_t timer;
	uv_idle_t soon; /* active: curl wants the next turn of the loop */
	unsigned handles;
	bool closing;
};

/* A socket that curl waits for. */
struct curl_watch {
	uv_poll_t poll;
	struct curl_loop *owner;
	curl_socket_t fd;
	int events;
};

static void release_handle(struct curl_loop *curl_loop)
{
	if (--curl_loop->handles == 0 && curl_loop->closing)
		free(curl_loop);
}

static void on_closed(uv_handle_t *handle)
{
	release_handle(handle->data);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct curl_watch *watch = handle->data;

	release_handle(watch->owner);
	free(watch);
}

/* Any action may end any transfer. `turned` may destroy the curl_loop. */
static void act(struct curl_loop *curl_loop, curl_socket_t fd, int flags)
{
	int running, queued;
	CURLMcode code = curl_multi_socket_action(curl_loop->curl, fd, flags, &running);
	CURLMsg *message;

	while ((message = curl_multi_info_read(curl_loop->curl, &queued))) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(curl_loop->curl, easy);
		curl_loop->events.over(curl_loop->arg, easy, result);
	}
	curl_loop->events.turned(
		curl_loop->arg, code == CURLM_OK ? NULL : curl_multi_strerror(code));
}

/* libuv stops polling after an error. Without flags curl reads the socket itself: a reset
 * may follow a whole answer. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct curl_watch *watch = poll->data;
	int flags = 0;

	if (status == 0) {
		flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
		flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	}
	act(watch->owner, watch->fd, flags);
	if (status != 0 && !uv_is_closing((uv_handle_t *)poll))
		uv_poll_start(poll, watch->events, on_poll);
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

/* Called by curl, so it acts later. "At once" is the next turn of the loop: a zero timer
 * that a timer started would run before the loop polls again. */
static int on_timer_wanted(CURLM *curl UNUSED, long ms, void *arg)
{
	struct curl_loop *curl_loop = arg;

	if (curl_loop->closing)
		return 0;
	uv_timer_stop(&curl_loop->timer);
	uv_idle_stop(&curl_loop->soon);
	if (ms == 0)
		uv_idle_start(&curl_loop->soon, on_soon);
	else if (ms > 0)
		uv_timer_start(&curl_loop->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static struct curl_watch *begin_watch(struct curl_loop *curl_loop, curl_socket_t fd)
{
	struct curl_watch *watch = mem_zeroed(sizeof *watch);

	watch->owner = curl_loop;
	watch->fd = fd;
	watch->poll.data = watch;
	if (uv_poll_init_socket(curl_loop->loop, &watch->poll, fd) != 0) {
		free(watch);
		return NULL;
	}
	curl_loop->handles++;
	curl_multi_assign(curl_loop->curl, fd, watch);
	return watch;
}

/* Called by curl, so it acts later. */
static int on_socket_wanted(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct curl_loop *curl_loop = arg;
	struct curl_watch *watch = assigned;

	if (what == CURL_POLL_REMOVE) {
		if (watch)
			uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		curl_multi_assign(curl_loop->curl, fd, NULL);
		return 0;
	}
	if (!watch)
		watch = begin_watch(curl_loop, fd);
	if (!watch)
		return -1;
	watch->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
		(what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	return uv_poll_start(&watch->poll, watch->events, on_poll) == 0 ? 0 : -1;
}

static bool ok(CURLMcode code)
{
	return code == CURLM_OK;
}

static bool set_options(struct curl_loop *curl_loop, unsigned connections)
{
	CURLM *curl = curl_loop->curl;

	return ok(curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, curl_loop)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_TIMERDATA, curl_loop)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)connections));
}

struct curl_loop *curl_loop_create(uv_loop_t *loop, unsigned connections,
	const struct curl_loop_events *events, void *arg, struct err *err)
{
	struct curl_loop *curl_loop = mem_zeroed(sizeof *curl_loop);

	assert(connections > 0);
	curl_loop->loop = loop;
	curl_loop->events = *events;
	curl_loop->arg = arg;
	uv_timer_init(loop, &curl_loop->timer);
	curl_loop->timer.data = curl_loop;
	uv_idle_init(loop, &curl_loop->soon);
	curl_loop->soon.data = curl_loop;
	curl_loop->handles = 2;
	curl_loop->curl = curl_multi_init();
	if (!curl_loop->curl || !set_options(curl_loop, connections)) {
		curl_loop_destroy(curl_loop);
		err_set(err, "curl gives no multi handle");
		return NULL;
	}
	return curl_loop;
}

bool curl_loop_add(struct curl_loop *curl_loop, CURL *easy, struct err *err)
{
	CURLMcode code = curl_multi_add_handle(curl_loop->curl, easy);

	return code == CURLM_OK || err_set(err, "curl: %s", curl_multi_strerror(code));
}

void curl_loop_remove(struct curl_loop *curl_loop, CURL *easy)
{
	curl_multi_remove_handle(curl_loop->curl, easy);
}

/* Newer versions of curl add and remove sockets while they clean up. */
void curl_loop_destroy(struct curl_loop *curl_loop)
{
	if (!curl_loop)
		return;
	curl_loop->closing = true;
	curl_multi_cleanup(curl_loop->curl);
	uv_close((uv_handle_t *)&curl_loop->timer, on_closed);
	uv_close((uv_handle_t *)&curl_loop->soon, on_closed);
}

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
	bool leaving;
};

/* A socket that curl waits for. */
struct watch {
	uv_poll_t poll;
	struct curl_loop *multi;
	curl_socket_t fd;
	int events;
};

static void let_go(struct curl_loop *multi)
{
	if (--multi->handles == 0 && multi->leaving)
		free(multi);
}

static void on_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	let_go(watch->multi);
	free(watch);
}

/* Any transfer may end in any action, whatever the action was about. The owner may
 * destroy us at the end. */
static void act(struct curl_loop *multi, curl_socket_t fd, int flags)
{
	int running, queued;
	CURLMcode code = curl_multi_socket_action(multi->curl, fd, flags, &running);
	CURLMsg *message;

	while ((message = curl_multi_info_read(multi->curl, &queued))) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(multi->curl, easy);
		multi->events.over(multi->arg, easy, result);
	}
	multi->events.turned(
		multi->arg, code == CURLM_OK ? NULL : curl_multi_strerror(code));
}

/* After an error libuv polls no more; what it was, curl finds out best by looking
 * itself (no flags): a reset may well stand behind a whole answer. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	int flags = 0;

	if (status == 0) {
		flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
		flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	}
	act(watch->multi, watch->fd, flags);
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

/* Called by curl: only takes note. "At once" is the next turn of the loop; a zero timer
 * that is started by a timer would run before the loop polls again. */
static int on_timer_wanted(CURLM *curl UNUSED, long ms, void *arg)
{
	struct curl_loop *multi = arg;

	if (multi->leaving)
		return 0;
	uv_timer_stop(&multi->timer);
	uv_idle_stop(&multi->soon);
	if (ms == 0)
		uv_idle_start(&multi->soon, on_soon);
	else if (ms > 0)
		uv_timer_start(&multi->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static struct watch *begin_watch(struct curl_loop *multi, curl_socket_t fd)
{
	struct watch *watch = mem_zeroed(sizeof *watch);

	watch->multi = multi;
	watch->fd = fd;
	watch->poll.data = watch;
	if (uv_poll_init_socket(multi->loop, &watch->poll, fd) != 0) {
		free(watch);
		return NULL;
	}
	multi->handles++;
	curl_multi_assign(multi->curl, fd, watch);
	return watch;
}

/* Called by curl: only takes note. */
static int on_socket_wanted(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct curl_loop *multi = arg;
	struct watch *watch = assigned;

	if (what == CURL_POLL_REMOVE) {
		if (watch)
			uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		curl_multi_assign(multi->curl, fd, NULL);
		return 0;
	}
	if (!watch)
		watch = begin_watch(multi, fd);
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

static bool introduce(struct curl_loop *multi, unsigned connections)
{
	CURLM *curl = multi->curl;

	return ok(curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, multi)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_TIMERDATA, multi)) &&
		ok(curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)connections));
}

struct curl_loop *curl_loop_create(uv_loop_t *loop, unsigned connections,
	const struct curl_loop_events *events, void *arg, struct err *err)
{
	struct curl_loop *multi = mem_zeroed(sizeof *multi);

	assert(connections > 0);
	multi->loop = loop;
	multi->events = *events;
	multi->arg = arg;
	uv_timer_init(loop, &multi->timer);
	multi->timer.data = multi;
	uv_idle_init(loop, &multi->soon);
	multi->soon.data = multi;
	multi->handles = 2;
	multi->curl = curl_multi_init();
	if (!multi->curl || !introduce(multi, connections)) {
		curl_loop_destroy(multi);
		err_set(err, "curl gives no multi handle");
		return NULL;
	}
	return multi;
}

bool curl_loop_add(struct curl_loop *multi, CURL *easy, struct err *err)
{
	CURLMcode code = curl_multi_add_handle(multi->curl, easy);

	return code == CURLM_OK || err_set(err, "curl: %s", curl_multi_strerror(code));
}

void curl_loop_remove(struct curl_loop *multi, CURL *easy)
{
	curl_multi_remove_handle(multi->curl, easy);
}

/* Newer curl still watches and forgets sockets while it cleans up. */
void curl_loop_destroy(struct curl_loop *multi)
{
	if (!multi)
		return;
	multi->leaving = true;
	curl_multi_cleanup(multi->curl);
	uv_close((uv_handle_t *)&multi->timer, on_closed);
	uv_close((uv_handle_t *)&multi->soon, on_closed);
}

#include "lib/web_watch.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/mem.h"

#define AT_ONCE 64 /* events of one turn; the next turn has the others */

struct web_watch {
	web_watch_left_fn *left;
	int epoll;
	uv_poll_t poll; /* of the epoll descriptor */
};

static void on_left(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct web_watch *watch = poll->data;
	struct epoll_event left[AT_ONCE];
	int count = epoll_wait(watch->epoll, left, AT_ONCE, 0);

	for (int i = 0; i < count; i++)
		watch->left(left[i].data.ptr);
}

struct web_watch *web_watch_create(
	uv_loop_t *loop, web_watch_left_fn *left, struct err *err)
{
	struct web_watch *watch = mem_zeroed(sizeof *watch);
	int failed;

	watch->left = left;
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll < 0) {
		err_sys(err, "epoll_create1");
		free(watch);
		return NULL;
	}
	failed = uv_poll_init(loop, &watch->poll, watch->epoll);
	if (failed) {
		err_set(err, "watch the clients: %s", uv_strerror(failed));
		close(watch->epoll);
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, on_left);
	return watch;
}

void web_watch_add(struct web_watch *watch, int fd, void *arg)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = arg};

	(void)!epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Closing the descriptor is not enough while a child that was just forked has a copy. */
void web_watch_remove(struct web_watch *watch, int fd)
{
	(void)!epoll_ctl(watch->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The poll handle closes before its descriptor: libuv would take the number's next
 * owner off the loop. */
void web_watch_destroy(struct web_watch *watch)
{
	if (!watch)
		return;
	uv_close((uv_handle_t *)&watch->poll, on_closed);
	close(watch->epoll);
}

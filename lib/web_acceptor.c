#include "lib/web_acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/web_listen.h"

#define AGAIN_NS (100 * CLOCK_MS)

struct web_acceptor {
	int listener;
	char *path; /* of a unix socket; NULL: it is none */
	const struct web_acceptor_owner *owner;
	void *arg;
	uv_poll_t arrivals;
	struct loop_timer *again; /* when descriptors have run out */
};

static bool accept_one(struct web_acceptor *acceptor)
{
	struct sockaddr_storage address = {0};
	struct sockaddr *client = (struct sockaddr *)&address;
	socklen_t len = sizeof address;
	int fd =
		accept4(acceptor->listener, client, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	acceptor->owner->accepted(acceptor->arg, fd, client, len);
	return true;
}

bool web_acceptor_accept(struct web_acceptor *acceptor)
{
	while (acceptor->owner->has_room(acceptor->arg)) {
		if (accept_one(acceptor))
			continue;
		switch (errno) {
		case EAGAIN:
			return true;
		case EINTR:
		case ECONNABORTED:
		case EPROTO:
			continue; /* a failure of that client alone */
		default:          /* no descriptor or memory left */
			loop_timer_set(acceptor->again, AGAIN_NS);
			return false;
		}
	}
	return false;
}

static void on_arrival(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	if (!web_acceptor_accept(poll->data))
		uv_poll_stop(
			poll); /* web_acceptor_watch() goes on when there is room */
}

void web_acceptor_watch(struct web_acceptor *acceptor)
{
	if (acceptor->owner->has_room(acceptor->arg) &&
		!loop_timer_is_set(acceptor->again) &&
		!uv_is_active((uv_handle_t *)&acceptor->arrivals))
		uv_poll_start(&acceptor->arrivals, UV_READABLE, on_arrival);
}

void web_acceptor_block_handshakes(struct web_acceptor *acceptor)
{
	web_listen_block_handshakes(acceptor->listener);
}

static void on_again(void *arg)
{
	const struct web_acceptor *acceptor = arg;

	acceptor->owner->again(acceptor->arg);
}

static void close_socket(struct web_acceptor *acceptor)
{
	close(acceptor->listener);
	if (acceptor->path)
		unlink(acceptor->path);
	free(acceptor->path);
}

struct web_acceptor *web_acceptor_create(uv_loop_t *loop, int listener, char *path,
	const struct web_acceptor_owner *owner, void *arg, struct err *err)
{
	struct web_acceptor *acceptor = mem_zeroed(sizeof *acceptor);
	int failed = uv_poll_init(loop, &acceptor->arrivals, listener);

	acceptor->listener = listener;
	acceptor->path = path;
	if (failed) {
		err_set(err, "watch the socket: %s", uv_strerror(failed));
		close_socket(acceptor);
		free(acceptor);
		return NULL;
	}
	acceptor->owner = owner;
	acceptor->arg = arg;
	acceptor->arrivals.data = acceptor;
	acceptor->again = loop_timer_create(loop, on_again, acceptor);
	uv_poll_start(&acceptor->arrivals, UV_READABLE, on_arrival);
	return acceptor;
}

static void on_closed(uv_handle_t *arrivals)
{
	free(arrivals->data);
}

/* The poll handle closes before its descriptor: libuv would take the number's next
 * owner off the loop. */
void web_acceptor_destroy(struct web_acceptor *acceptor)
{
	if (!acceptor)
		return;
	uv_close((uv_handle_t *)&acceptor->arrivals, on_closed);
	loop_timer_destroy(acceptor->again);
	close_socket(acceptor);
}

#include "lib/web_newcomer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

static const char preface[] = "PRI"; /* " * HTTP/2.0" follows */

#define PREFACE_LEN (sizeof preface - 1)

struct newcomer {
	struct web_newcomers *all;
	int fd;
	struct sockaddr_storage client;
	socklen_t len;
	uv_poll_t poll;
	struct loop_timer *idle;
	struct newcomer *prev, *next;
};

struct web_newcomers {
	uv_loop_t *loop;
	int64_t idle_ns;
	web_newcomer_fn *decided;
	web_newcomer_gone_fn *gone;
	void *arg;
	struct newcomer *list;
	unsigned count;
};

enum tongue { UNKNOWN, HTTP1, HTTP2 };

/* What its first bytes say; the end of the connection says HTTP/1.1. */
static enum tongue listen_to(int fd)
{
	char first[PREFACE_LEN];
	ssize_t len = recv(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);

	if (len < 0)
		return UNKNOWN;
	if (len == 0 || memcmp(first, preface, (size_t)len) != 0)
		return HTTP1;
	return len == (ssize_t)PREFACE_LEN ? HTTP2 : UNKNOWN;
}

/* The kernel tells of fewer bytes only when no more will come. */
static void want_bytes(int fd, int least)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

static void on_closed(uv_handle_t *poll)
{
	free(poll->data);
}

/* Its poll handle closes before its descriptor gets another owner. */
static void drop(struct newcomer *newcomer)
{
	DL_DELETE(newcomer->all->list, newcomer);
	newcomer->all->count--;
	loop_timer_destroy(newcomer->idle);
	uv_close((uv_handle_t *)&newcomer->poll, on_closed);
}

static void decide(struct newcomer *newcomer, enum tongue tongue)
{
	struct web_newcomers *all = newcomer->all;
	const struct sockaddr *client = (const struct sockaddr *)&newcomer->client;

	drop(newcomer);
	want_bytes(newcomer->fd, 1);
	all->decided(all->arg, newcomer->fd, client, newcomer->len, tongue == HTTP2);
}

/* Too few bytes with a readable socket: it has ended, or is about to. */
static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct newcomer *newcomer = poll->data;

	decide(newcomer, listen_to(newcomer->fd));
}

static void turn_out(struct newcomer *newcomer)
{
	drop(newcomer);
	close(newcomer->fd);
}

static void on_idle(void *arg)
{
	struct web_newcomers *all = ((struct newcomer *)arg)->all;

	turn_out(arg);
	all->gone(all->arg);
}

static void wait_for(struct web_newcomers *newcomers, int fd,
	const struct sockaddr *client, socklen_t len)
{
	struct newcomer *newcomer = mem_zeroed(sizeof *newcomer);

	newcomer->all = newcomers;
	newcomer->fd = fd;
	newcomer->len = len;
	memcpy(&newcomer->client, client, len);
	want_bytes(fd, PREFACE_LEN);
	if (uv_poll_init(newcomers->loop, &newcomer->poll, fd) != 0) {
		free(newcomer);
		close(fd);
		return;
	}
	newcomer->poll.data = newcomer;
	newcomer->idle = loop_timer_create(newcomers->loop, on_idle, newcomer);
	loop_timer_set(newcomer->idle, newcomers->idle_ns);
	uv_poll_start(&newcomer->poll, UV_READABLE, on_readable);
	DL_APPEND(newcomers->list, newcomer);
	newcomers->count++;
}

struct web_newcomers *web_newcomers_create(uv_loop_t *loop, int64_t idle_ns,
	web_newcomer_fn *decided, web_newcomer_gone_fn *gone, void *arg)
{
	struct web_newcomers *newcomers = mem_zeroed(sizeof *newcomers);

	newcomers->loop = loop;
	newcomers->idle_ns = idle_ns;
	newcomers->decided = decided;
	newcomers->gone = gone;
	newcomers->arg = arg;
	return newcomers;
}

void web_newcomers_add(struct web_newcomers *newcomers, int fd,
	const struct sockaddr *client, socklen_t len)
{
	enum tongue tongue = listen_to(fd);

	if (tongue == UNKNOWN)
		wait_for(newcomers, fd, client, len);
	else
		newcomers->decided(newcomers->arg, fd, client, len, tongue == HTTP2);
}

unsigned web_newcomers_count(const struct web_newcomers *newcomers)
{
	return newcomers ? newcomers->count : 0;
}

void web_newcomers_destroy(struct web_newcomers *newcomers)
{
	if (!newcomers)
		return;
	while (newcomers->list)
		turn_out(newcomers->list);
	free(newcomers);
}

#include "harness/engine/connection_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define RECEIVE_BUFFER (4 << 20) /* a busy host closes thousands of connections */
#define LATE_MS        250       /* more than a peer may take for an acknowledgement */
#define INTERFACES_MAX 64

struct connection_ends {
	int events; /* sock_diag, of destroyed sockets; its reads do not block */
	int asks;   /* sock_diag, of those that are there */
	uv_poll_t poll;
	struct connection_end *list; /* owned */
	unsigned count;
};

static struct connection_end *find(struct connection_ends *ends, uint64_t cookie)
{
	for (unsigned i = 0; i < ends->count; i++) {
		if (ends->list[i].before.cookie == cookie)
			return &ends->list[i];
	}
	return NULL;
}

static void read_events(struct connection_ends *ends)
{
	char block[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	/* (ENOBUFS: events were lost. Those that came are true all the same.) */
	while ((len = recv(ends->events, block, sizeof block, 0)) > 0 ||
		(len < 0 && (errno == EINTR || errno == ENOBUFS))) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(void *)block;

		for (; len > 0 && NLMSG_OK(message, (size_t)len);
			message = NLMSG_NEXT(message, len)) {
			struct tcp_socket socket;
			struct connection_end *end = tcp_socket_read(&socket, message)
				? find(ends, socket.cookie)
				: NULL;

			if (!end)
				continue;
			end->after = socket;
			end->destroyed = true;
		}
	}
}

static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	read_events(poll->data);
}

/* Of the groups of sock_diag, those of TCP. */
static bool join(int fd)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1u << (SKNLGRP_INET_TCP_DESTROY - 1) |
			1u << (SKNLGRP_INET6_TCP_DESTROY - 1),
	};
	int size = RECEIVE_BUFFER;

	/* As in proc_events: past the system's limit with CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
		bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static void close_sockets(const struct connection_ends *ends)
{
	if (ends->events >= 0)
		close(ends->events);
	if (ends->asks >= 0)
		close(ends->asks);
}

struct connection_ends *connection_ends_open(uv_loop_t *loop, pid_t pid,
	const struct tcp_socket *sockets, unsigned count, struct err *err)
{
	struct connection_ends *ends = mem_zeroed(sizeof *ends);

	ends->events = tcp_table_socket(pid);
	ends->asks = tcp_table_socket(pid);
	if (ends->events < 0 || ends->asks < 0 || !join(ends->events) ||
		uv_poll_init(loop, &ends->poll, ends->events) != 0) {
		err_sys(err, "events of sock_diag");
		close_sockets(ends);
		free(ends);
		return NULL;
	}
	ends->list = mem_zeroed(sizeof *ends->list * (count + 1));
	ends->count = count;
	for (unsigned i = 0; i < count; i++)
		ends->list[i].before = sockets[i];
	ends->poll.data = ends;
	uv_poll_start(&ends->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&ends->poll);
	return ends;
}

/* Of the namespace's interfaces one has this address, or may have it. (An engine takes a
 * container's interface away when it has ended.) */
static bool has_address(
	const struct connection_ends *ends, const struct in6_addr *address)
{
	struct ifreq interfaces[INTERFACES_MAX];
	struct ifconf found = {
		.ifc_len = sizeof interfaces,
		.ifc_req = interfaces,
	};

	if (!IN6_IS_ADDR_V4MAPPED(address) ||
		ioctl(ends->asks, SIOCGIFCONF, &found) != 0 ||
		found.ifc_len == sizeof interfaces)
		return true;
	for (size_t i = 0; i < (size_t)found.ifc_len / sizeof *interfaces; i++) {
		struct sockaddr_in own;

		memcpy(&own, &interfaces[i].ifr_addr, sizeof own);
		if (memcmp(&own.sin_addr, &address->s6_addr[12], 4) == 0)
			return true;
	}
	return false;
}

/* It was destroyed, and its event is on the way; or it is closed: it waits for its peer to
 * acknowledge that, or what stands for it in FIN-WAIT-2 and TIME-WAIT is there already. */
static bool ends_soon(const struct connection_end *end)
{
	bool closed = !(TCP_TABLE_CONNECTED >> end->after.state & 1);

	return !end->destroyed && (end->unknown || (closed && !end->cut_off));
}

/* Reads those that are still there. Gives how many will end soon. */
static unsigned read_open(struct connection_ends *ends)
{
	SCOPED(tcp_table_done) struct tcp_table table = {0};
	bool asked = tcp_table_ask(&table, ends->asks, TCP_TABLE_ALL);
	unsigned soon = 0;

	for (unsigned i = 0; i < ends->count; i++)
		ends->list[i].unknown = !ends->list[i].destroyed;
	for (unsigned i = 0; asked && i < table.count; i++) {
		struct connection_end *end =
			table.list[i].cookie ? find(ends, table.list[i].cookie) : NULL;

		if (!end || end->destroyed)
			continue;
		end->after = table.list[i];
		end->cut_off = !has_address(ends, &end->before.address);
		end->unknown = false;
	}
	for (unsigned i = 0; i < ends->count; i++)
		soon += ends_soon(&ends->list[i]);
	return soon;
}

/* The kernel sends the events from a work queue, a moment after the end. */
static void await_late(struct connection_ends *ends)
{
	int64_t until_ns = clock_now() + LATE_MS * CLOCK_MS, left_ns;
	struct pollfd waiting = {.fd = ends->events, .events = POLLIN};

	while (read_open(ends) > 0 && (left_ns = until_ns - clock_now()) > 0 &&
		poll(&waiting, 1, (int)(left_ns / CLOCK_MS) + 1) > 0)
		read_events(ends);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection_ends *ends = handle->data;

	close_sockets(ends);
	free(ends);
}

struct connection_end *connection_ends_close(struct connection_ends *ends)
{
	struct connection_end *list = ends->list;

	read_events(ends);
	await_late(ends);
	uv_close((uv_handle_t *)&ends->poll, on_closed);
	return list;
}

bool connection_end_is_whole(const struct connection_end *end)
{
	return end->after.unsent == 0 && end->after.acked > end->after.sent;
}

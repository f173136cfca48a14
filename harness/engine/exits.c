#include "harness/engine/exits.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mem.h"

#define RECEIVE_BUFFER (4 << 20) /* a busy machine forks a lot between two turns */

struct watched {
	struct watched *next;
	pid_t pid;
	struct exit_record *record;
};

/* An end, whoever's: descendants of the watched are asked for afterwards. */
struct end {
	pid_t pid;
	int64_t ns;
};

struct exits {
	struct end *ends;   /* a ring of EXITS_KEPT */
	unsigned end_count; /* ever */
	int fd;
	uv_poll_t poll;
	struct watched *watched;
};

/* A connector message asks for the process events of all processes. */
static bool subscribe(int fd)
{
	const enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
	char request[NLMSG_SPACE(sizeof(struct cn_msg) + sizeof operation)]
		__attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)request;
	struct cn_msg *message = NLMSG_DATA(header);

	header->nlmsg_len = NLMSG_LENGTH(sizeof *message + sizeof operation);
	header->nlmsg_type = NLMSG_DONE;
	message->id.idx = CN_IDX_PROC;
	message->id.val = CN_VAL_PROC;
	message->len = sizeof operation;
	memcpy(message->data, &operation, sizeof operation);
	return send(fd, request, header->nlmsg_len, 0) == (ssize_t)header->nlmsg_len;
}

static void keep(struct exits *exits, const struct proc_event *event)
{
	exits->ends[exits->end_count++ % EXITS_KEPT] = (struct end){
		.pid = event->event_data.exit.process_pid,
		.ns = (int64_t)event->timestamp_ns,
	};
}

/* The latest with this pid: numbers are used again. */
int64_t exits_of(const struct exits *exits, pid_t pid)
{
	unsigned kept = exits->end_count < EXITS_KEPT ? exits->end_count : EXITS_KEPT;

	for (unsigned i = 1; i <= kept; i++) {
		const struct end *end =
			&exits->ends[(exits->end_count - i) % EXITS_KEPT];

		if (end->pid == pid)
			return end->ns;
	}
	return 0;
}

static void note(struct exits *exits, const struct proc_event *event)
{
	if (event->what != PROC_EVENT_EXIT)
		return;
	if (event->event_data.exit.process_pid == event->event_data.exit.process_tgid)
		keep(exits, event);
	for (struct watched *watched = exits->watched; watched;
		watched = watched->next) {
		/* The event comes for each thread; the process ends with the last of
		 * them, which need not be the one that ran main(). */
		if (watched->pid != event->event_data.exit.process_tgid ||
			(int64_t)event->timestamp_ns < watched->record->ns)
			continue;
		watched->record->ns = (int64_t)event->timestamp_ns;
		watched->record->wait_status = (int)event->event_data.exit.exit_code;
	}
}

void exits_read(struct exits *exits)
{
	char block[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	while ((len = recv(exits->fd, block, sizeof block, MSG_DONTWAIT)) > 0 ||
		(len < 0 && (errno == EINTR || errno == ENOBUFS))) {
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)block;

		for (; len > 0 && NLMSG_OK(header, (size_t)len);
			header = NLMSG_NEXT(header, len)) {
			const struct cn_msg *message = NLMSG_DATA(header);
			struct proc_event event;

			if (message->id.idx != CN_IDX_PROC ||
				message->len < sizeof event)
				continue;
			memcpy(&event, message->data, sizeof event);
			note(exits, &event);
		}
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	exits_read(poll->data);
}

static void on_closed(uv_handle_t *handle)
{
	struct exits *exits = handle->data;

	close(exits->fd);
	free(exits->ends);
	free(exits);
}

struct exits *exits_open(uv_loop_t *loop, struct err *err)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = CN_IDX_PROC,
	};
	int size = RECEIVE_BUFFER;
	struct exits *exits;
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		NETLINK_CONNECTOR);

	if (fd < 0) {
		err_sys(err, "process connector");
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		!subscribe(fd)) {
		err_sys(err, "process connector");
		close(fd);
		return NULL;
	}
	exits = mem_zeroed(sizeof *exits);
	exits->fd = fd;
	exits->ends = mem_zeroed(sizeof *exits->ends * EXITS_KEPT);
	uv_poll_init(loop, &exits->poll, fd);
	exits->poll.data = exits;
	uv_poll_start(&exits->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&exits->poll);
	return exits;
}

void exits_watch(struct exits *exits, pid_t pid, struct exit_record *record)
{
	struct watched *watched = mem_zeroed(sizeof *watched);

	*record = (struct exit_record){0};
	watched->pid = pid;
	watched->record = record;
	watched->next = exits->watched;
	exits->watched = watched;
}

void exits_forget(struct exits *exits, pid_t pid)
{
	struct watched **link = &exits->watched;

	while (*link) {
		struct watched *watched = *link;

		if (watched->pid != pid) {
			link = &watched->next;
			continue;
		}
		*link = watched->next;
		free(watched);
	}
}

void exits_close(struct exits *exits)
{
	if (!exits)
		return;
	while (exits->watched)
		exits_forget(exits, exits->watched->pid);
	uv_close((uv_handle_t *)&exits->poll, on_closed);
}

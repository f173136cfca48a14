#include "harness/engine/proc_events.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uthash.h>

#include "lib/descendants.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define RECEIVE_BUFFER (4 << 20) /* a busy machine forks a lot between two turns */

/* A lineage, as we keep it. */
struct house {
	struct proc_lineage lineage;
	struct house *next;
};

/* Who has a number now. */
struct bearer {
	pid_t pid;
	struct house *house;
	unsigned index; /* among the descendants; SELF */
	UT_hash_handle hh;
};

#define SELF UINT32_MAX

struct proc_events {
	int fd;
	uv_poll_t poll;
	struct house *houses;
	struct bearer *bearers;
};

/* --- who is who --- */

static struct bearer *bearer_of(const struct proc_events *events, pid_t pid)
{
	struct bearer *bearer;

	HASH_FIND_INT(events->bearers, &pid, bearer);
	return bearer;
}

static struct proc_record *life_of(const struct bearer *bearer)
{
	struct proc_lineage *lineage = &bearer->house->lineage;

	return bearer->index == SELF ? &lineage->self
				     : &lineage->descendants[bearer->index];
}

/* A number that is used again belongs to the younger. */
static void bear(
	struct proc_events *events, pid_t pid, struct house *house, unsigned index)
{
	struct bearer *bearer = bearer_of(events, pid);

	if (!bearer) {
		bearer = mem_zeroed(sizeof *bearer);
		bearer->pid = pid;
		HASH_ADD_INT(events->bearers, pid, bearer);
	}
	bearer->house = house;
	bearer->index = index;
}

/* It may be gone already, and is then known by its number alone. */
static void ask_name(struct proc_record *record)
{
	SCOPED(buf_done) struct buf status = {0};
	const char *name;

	if (!proc_file_read(&status, record->pid, "status"))
		return;
	name = proc_file_value(buf_text(&status), "Name");
	if (name)
		snprintf(record->name, sizeof record->name, "%.*s",
			(int)strcspn(name, "\n"), name);
	record->ns_pid = proc_file_inner_pid(buf_text(&status));
}

static void add_descendant(
	struct proc_events *events, struct house *house, pid_t pid, int64_t born_ns)
{
	struct proc_lineage *lineage = &house->lineage;
	struct proc_record *record;

	if (lineage->count == PROC_EVENTS_MAX) {
		lineage->torn = true;
		return;
	}
	/* In steps that double: it is a power of two whenever there is no room. */
	if ((lineage->count & (lineage->count - 1)) == 0)
		lineage->descendants = mem_grown(lineage->descendants,
			lineage->count ? (size_t)lineage->count * 2 : 1,
			sizeof *record);
	record = &lineage->descendants[lineage->count];
	*record = (struct proc_record){.pid = pid, .born_ns = born_ns};
	ask_name(record);
	bear(events, pid, house, lineage->count++);
}

/* --- what the kernel says --- */

static void note_birth(struct proc_events *events, const struct proc_event *event)
{
	pid_t pid = event->event_data.fork.child_tgid;
	struct bearer *parent = bearer_of(events, event->event_data.fork.parent_tgid);
	struct bearer *known = bearer_of(events, pid);
	int64_t ns = (int64_t)event->timestamp_ns;

	if (pid != event->event_data.fork.child_pid || !parent)
		return; /* a thread, or nobody's that we watch */
	if (known && !life_of(known)->ended_ns)
		life_of(known)->born_ns = ns; /* it was met before we read of it */
	else
		add_descendant(events, parent->house, pid, ns);
}

static void note_name(struct proc_events *events, const struct proc_event *event)
{
	struct bearer *bearer = bearer_of(events, event->event_data.exec.process_tgid);

	if (bearer)
		ask_name(life_of(bearer));
}

/* It comes for each thread; a process ends with the last of them, which need not be the
 * one that ran main(). */
static void note_end(struct proc_events *events, const struct proc_event *event)
{
	struct bearer *bearer = bearer_of(events, event->event_data.exit.process_tgid);
	int64_t ns = (int64_t)event->timestamp_ns;
	struct proc_record *record;

	if (!bearer)
		return;
	record = life_of(bearer);
	if (bearer->index == SELF && event->event_data.exit.process_pid == bearer->pid)
		bearer->house->lineage.leader_ns = ns;
	if (ns < record->ended_ns)
		return;
	record->ended_ns = ns;
	record->wait_status = (int)event->event_data.exit.exit_code;
}

static void note(struct proc_events *events, const struct proc_event *event)
{
	/* Not a switch: the kernel's enumeration grows. */
	if (event->what == PROC_EVENT_FORK)
		note_birth(events, event);
	else if (event->what == PROC_EVENT_EXEC)
		note_name(events, event);
	else if (event->what == PROC_EVENT_EXIT)
		note_end(events, event);
}

static void note_gap(struct proc_events *events)
{
	for (struct house *house = events->houses; house; house = house->next)
		house->lineage.torn = true;
}

static void note_all(struct proc_events *events, const char *block, ssize_t len)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)block;

	for (; len > 0 && NLMSG_OK(header, (size_t)len);
		header = NLMSG_NEXT(header, len)) {
		const struct cn_msg *message = NLMSG_DATA(header);
		struct proc_event event;

		if (message->id.idx != CN_IDX_PROC || message->len < sizeof event)
			continue;
		memcpy(&event, message->data, sizeof event);
		note(events, &event);
	}
}

void proc_events_read(struct proc_events *events)
{
	char block[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	while ((len = recv(events->fd, block, sizeof block, MSG_DONTWAIT)) > 0 ||
		(len < 0 && (errno == EINTR || errno == ENOBUFS))) {
		if (len < 0 && errno == ENOBUFS)
			note_gap(events);
		note_all(events, block, len);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	proc_events_read(poll->data);
}

/* --- watching --- */

const struct proc_lineage *proc_events_watch(struct proc_events *events, pid_t pid)
{
	SCOPED(descendants_done) struct descendants descendants = {0};
	struct house *house = mem_zeroed(sizeof *house);

	house->lineage.self.pid = pid;
	house->next = events->houses;
	events->houses = house;
	bear(events, pid, house, SELF);
	descendants_read(&descendants, pid, NULL, NULL);
	for (size_t i = 0; i < descendants.count; i++)
		add_descendant(events, house, descendants.all[i].pid, 0);
	return &house->lineage;
}

static void free_house(struct proc_events *events, struct house *house)
{
	struct bearer *bearer, *next;

	HASH_ITER(hh, events->bearers, bearer, next) {
		if (bearer->house != house)
			continue;
		HASH_DEL(events->bearers, bearer);
		free(bearer);
	}
	free(house->lineage.descendants);
	free(house);
}

void proc_events_forget(struct proc_events *events, const struct proc_lineage *lineage)
{
	struct house **link = &events->houses;

	while (*link && &(*link)->lineage != lineage)
		link = &(*link)->next;
	if (*link) {
		struct house *house = *link;

		*link = house->next;
		free_house(events, house);
	}
}

/* --- coming and going --- */

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

/* Past the system's limit where we may, within it where not. */
static void make_room(int fd)
{
	int size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void on_closed(uv_handle_t *handle)
{
	struct proc_events *events = handle->data;

	close(events->fd);
	free(events);
}

struct proc_events *proc_events_open(uv_loop_t *loop, struct err *err)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = CN_IDX_PROC,
	};
	struct proc_events *events;
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		NETLINK_CONNECTOR);

	if (fd < 0) {
		err_sys(err, "process connector");
		return NULL;
	}
	make_room(fd);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		!subscribe(fd)) {
		err_sys(err, "process connector");
		close(fd);
		return NULL;
	}
	events = mem_zeroed(sizeof *events);
	events->fd = fd;
	uv_poll_init(loop, &events->poll, fd);
	events->poll.data = events;
	uv_poll_start(&events->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&events->poll);
	return events;
}

void proc_events_close(struct proc_events *events)
{
	if (!events)
		return;
	while (events->houses)
		proc_events_forget(events, &events->houses->lineage);
	uv_close((uv_handle_t *)&events->poll, on_closed);
}

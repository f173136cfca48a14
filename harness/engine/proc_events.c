#include "harness/engine/proc_events.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <signal.h>
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

/* A lineage in the list of those that are watched. */
struct tracked {
	struct proc_lineage lineage;
	char namespace[32]; /* "pid:[4026532201]" of PID 1; "": it is not PID 1 */
	struct tracked *next;
};

/* The process that has this pid now. */
struct pid_entry {
	pid_t pid;
	struct tracked *owner;
	unsigned index; /* among the descendants, or SELF */
	UT_hash_handle hh;
};

#define SELF UINT32_MAX

struct proc_events {
	int fd;
	uv_poll_t poll;
	struct tracked *tracked;
	struct pid_entry *by_pid;
};

/* --- processes by pid --- */

static struct pid_entry *entry_of(const struct proc_events *events, pid_t pid)
{
	struct pid_entry *entry;

	HASH_FIND_INT(events->by_pid, &pid, entry);
	return entry;
}

static struct proc_record *record_of(const struct pid_entry *entry)
{
	struct proc_lineage *lineage = &entry->owner->lineage;

	return entry->index == SELF ? &lineage->self
				    : &lineage->descendants[entry->index];
}

/* A pid that is used again belongs to the newer process. */
static void assign(
	struct proc_events *events, pid_t pid, struct tracked *tracked, unsigned index)
{
	struct pid_entry *entry = entry_of(events, pid);

	if (!entry) {
		entry = mem_zeroed(sizeof *entry);
		entry->pid = pid;
		HASH_ADD_INT(events->by_pid, pid, entry);
	}
	entry->owner = tracked;
	entry->index = index;
}

static void forget_pid(struct proc_events *events, struct pid_entry *entry)
{
	HASH_DEL(events->by_pid, entry);
	free(entry);
}

/* A process that has ended already keeps an empty name. */
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

/* NULL: past the bound. Valid until the next one is added. */
static struct proc_record *add_descendant(
	struct proc_events *events, struct tracked *tracked, pid_t pid)
{
	struct proc_lineage *lineage = &tracked->lineage;
	struct proc_record *record;

	if (lineage->count == PROC_EVENTS_MAX) {
		lineage->incomplete = true;
		return NULL;
	}
	/* The room doubles: it is full whenever the count is a power of two. */
	if ((lineage->count & (lineage->count - 1)) == 0)
		lineage->descendants = mem_grown(lineage->descendants,
			lineage->count ? (size_t)lineage->count * 2 : 1,
			sizeof *record);
	record = &lineage->descendants[lineage->count];
	*record = (struct proc_record){.pid = pid};
	ask_name(record);
	assign(events, pid, tracked, lineage->count++);
	return record;
}

/* --- processes from outside --- */

/* One that joins a PID namespace is no descendant of its PID 1: `docker exec` and health
 * checks are children of the container's shim. */
static void adopt(struct proc_events *events, pid_t pid)
{
	char namespace[sizeof((struct tracked *)NULL)->namespace];
	struct proc_record *record;

	if (!proc_file_link(pid, "ns/pid", namespace, sizeof namespace))
		return;
	for (struct tracked *tracked = events->tracked; tracked;
		tracked = tracked->next) {
		if (strcmp(tracked->namespace, namespace) != 0)
			continue;
		record = add_descendant(events, tracked, pid);
		if (record)
			record->outside = true;
		return;
	}
}

/* --- events --- */

static void note_fork(struct proc_events *events, const struct proc_event *event)
{
	pid_t pid = event->event_data.fork.child_tgid;
	struct pid_entry *parent = entry_of(events, event->event_data.fork.parent_tgid);
	struct pid_entry *known = entry_of(events, pid);
	int64_t ns = (int64_t)event->timestamp_ns;
	struct proc_record *record = known ? record_of(known) : NULL;

	if (pid != event->event_data.fork.child_pid)
		return; /* a thread */
	if (!parent) {
		/* Not of a lineage, and its pid is no longer that of one of its processes. */
		if (record && record->ended_ns)
			forget_pid(events, known);
		return;
	}
	/* It may have been found in /proc before its event was read. */
	if (!record || record->ended_ns > PROC_ENDED_BEFORE)
		record = add_descendant(events, parent->owner, pid);
	if (!record)
		return;
	record->born_ns = ns;
	record->parent = event->event_data.fork.parent_tgid;
}

static void note_exec(struct proc_events *events, const struct proc_event *event)
{
	pid_t pid = event->event_data.exec.process_tgid;
	struct pid_entry *entry = entry_of(events, pid);

	if (!entry)
		adopt(events, pid);
	entry = entry_of(events, pid);
	if (!entry)
		return;
	/* It lives: what had ended were its other threads, as those of Docker's runc. */
	record_of(entry)->ended_ns = 0;
	record_of(entry)->exec_ns = (int64_t)event->timestamp_ns;
	ask_name(record_of(entry));
}

/* The event comes for each thread. A process ends with the last one, which need not be
 * the one that ran main(). */
static void note_exit(struct proc_events *events, const struct proc_event *event)
{
	struct pid_entry *entry = entry_of(events, event->event_data.exit.process_tgid);
	int64_t ns = (int64_t)event->timestamp_ns;
	struct proc_record *record;

	if (!entry)
		return;
	record = record_of(entry);
	if (entry->index == SELF && event->event_data.exit.process_pid == entry->pid)
		entry->owner->lineage.leader_ns = ns;
	if (ns < record->ended_ns)
		return;
	record->ended_ns = ns;
	record->wait_status = (int)event->event_data.exit.exit_code;
}

static void note_gap(struct proc_events *events)
{
	for (struct tracked *tracked = events->tracked; tracked;
		tracked = tracked->next)
		tracked->lineage.incomplete = true;
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
		/* Not a switch: the kernel's enumeration differs between headers. */
		if (event.what == PROC_EVENT_FORK)
			note_fork(events, &event);
		else if (event.what == PROC_EVENT_EXEC)
			note_exec(events, &event);
		else if (event.what == PROC_EVENT_EXIT)
			note_exit(events, &event);
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

static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	proc_events_read(poll->data);
}

/* --- watching --- */

/* Those that /proc has now. */
static void list_descendants(struct proc_events *events, struct tracked *tracked)
{
	SCOPED(descendants_done) struct descendants descendants = {0};
	pid_t pid = tracked->lineage.self.pid;
	size_t below;

	descendants_read(&descendants, pid, NULL, NULL);
	below = descendants.count;
	if (tracked->namespace[0])
		descendants_join_namespace(&descendants, pid);
	for (size_t i = 0; i < descendants.count; i++) {
		const struct descendant *found = &descendants.all[i];
		struct proc_record *record =
			add_descendant(events, tracked, found->pid);

		if (!record)
			break;
		record->ended_ns = found->dead ? PROC_ENDED_BEFORE : 0;
		record->outside = i >= below;
	}
}

const struct proc_lineage *proc_events_watch(struct proc_events *events, pid_t pid)
{
	struct tracked *tracked = mem_zeroed(sizeof *tracked);

	tracked->lineage.self.pid = pid;
	tracked->next = events->tracked;
	events->tracked = tracked;
	assign(events, pid, tracked, SELF);
	ask_name(&tracked->lineage.self);
	if (tracked->lineage.self.ns_pid == 1)
		proc_file_link(
			pid, "ns/pid", tracked->namespace, sizeof tracked->namespace);
	list_descendants(events, tracked);
	return &tracked->lineage;
}

static struct tracked *tracked_of(
	const struct proc_events *events, const struct proc_lineage *lineage)
{
	struct tracked *tracked = events->tracked;

	while (&tracked->lineage != lineage)
		tracked = tracked->next;
	return tracked;
}

/* A pid that is in use is its own, a zombie's, or one that was taken again: it stays. */
static bool is_past(const struct proc_record *record, int64_t before_ns)
{
	return record->ended_ns && record->ended_ns < before_ns &&
		kill(record->pid, 0) != 0 && errno == ESRCH;
}

void proc_events_trim(struct proc_events *events, const struct proc_lineage *lineage,
	int64_t before_ns)
{
	struct tracked *tracked = tracked_of(events, lineage);
	struct proc_lineage *trimmed = &tracked->lineage;
	unsigned count = trimmed->count;

	trimmed->count = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct proc_record *record = &trimmed->descendants[i];
		struct pid_entry *entry = entry_of(events, record->pid);
		bool is_its = entry && entry->owner == tracked && entry->index == i;
		bool past = trimmed->incomplete || is_past(record, before_ns);

		if (past && is_its)
			forget_pid(events, entry);
		if (past)
			continue;
		if (is_its)
			entry->index = trimmed->count;
		trimmed->descendants[trimmed->count++] = *record;
	}
	if (!trimmed->incomplete)
		return;
	trimmed->incomplete = false;
	list_descendants(events, tracked);
}

const struct proc_record *proc_events_find(
	const struct proc_events *events, const struct proc_lineage *lineage, pid_t pid)
{
	const struct pid_entry *entry = entry_of(events, pid);

	return entry && &entry->owner->lineage == lineage ? record_of(entry) : NULL;
}

void proc_events_note_dying(struct proc_events *events,
	const struct proc_lineage *lineage, pid_t pid, int64_t ns)
{
	const struct pid_entry *entry = entry_of(events, pid);

	if (entry && &entry->owner->lineage == lineage &&
		ns > record_of(entry)->dying_ns && ns > record_of(entry)->born_ns)
		record_of(entry)->dying_ns = ns;
}

void proc_events_forget(struct proc_events *events, const struct proc_lineage *lineage)
{
	struct tracked **link = &events->tracked, *tracked;
	struct pid_entry *entry, *next;

	while (&(*link)->lineage != lineage)
		link = &(*link)->next;
	tracked = *link;
	*link = tracked->next;
	HASH_ITER(hh, events->by_pid, entry, next) {
		if (entry->owner == tracked)
			forget_pid(events, entry);
	}
	free(tracked->lineage.descendants);
	free(tracked);
}

/* --- open and close --- */

/* Asks for the events of all processes. */
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

/* SO_RCVBUFFORCE passes the system's limit, and needs CAP_NET_ADMIN. */
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
	int failed;
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		NETLINK_CONNECTOR);

	if (fd >= 0)
		make_room(fd);
	if (fd < 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		!subscribe(fd)) {
		err_sys(err, "process connector");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	events = mem_zeroed(sizeof *events);
	events->fd = fd;
	failed = uv_poll_init(loop, &events->poll, fd);
	if (failed) {
		err_set(err, "process connector: poll: %s", uv_strerror(failed));
		close(fd);
		free(events);
		return NULL;
	}
	events->poll.data = events;
	uv_poll_start(&events->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&events->poll);
	return events;
}

void proc_events_close(struct proc_events *events)
{
	if (!events)
		return;
	while (events->tracked)
		proc_events_forget(events, &events->tracked->lineage);
	uv_close((uv_handle_t *)&events->poll, on_closed);
}

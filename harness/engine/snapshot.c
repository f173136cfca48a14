#include "harness/engine/snapshot.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine/tcp_table.h"
#include "harness/engine/unix_table.h"
#include "lib/clock.h"
#include "lib/descendants.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define RT_SIGTIMEDWAIT 128 /* x86-64; elsewhere the wait channel names it */
#define FILE_MAX        ((size_t)64 << 10)
#define LOOKS_MAX       16 /* at a process that changes while it is read */

static uint64_t number(const char *status, const char *key, int base)
{
	const char *value = proc_file_value(status, key);

	return value ? strtoull(value, NULL, base) : 0;
}

static bool read_status(struct proc *proc, struct buf *text)
{
	const char *status, *value;

	if (!proc_file_read(text, proc->pid, "status"))
		return false;
	status = buf_text(text);
	value = proc_file_value(status, "Name");
	if (value)
		snprintf(proc->name, sizeof proc->name, "%.*s",
			(int)strcspn(value, "\n"), value);
	value = proc_file_value(status, "State");
	proc->state = value ? *value : '?';
	proc->threads = (unsigned)number(status, "Threads", 10);
	proc->ns_pid = proc_file_inner_pid(status);
	proc->pending = number(status, "SigPnd", 16);
	proc->shared_pending = number(status, "ShdPnd", 16);
	proc->blocked = number(status, "SigBlk", 16);
	proc->ignored = number(status, "SigIgn", 16);
	proc->caught = number(status, "SigCgt", 16);
	return true;
}

/* "412 (name with ) in it) S ppid pgrp session ..." */
static void read_stat(struct proc *proc, struct buf *text)
{
	const char *at;
	int ppid, pgid, sid;

	if (!proc_file_read(text, proc->pid, "stat"))
		return;
	at = strrchr(buf_text(text), ')');
	unsigned long user, system;

	if (at &&
		sscanf(at + 1, " %*c %d %d %d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&ppid, &pgid, &sid, &user, &system) == 5) {
		proc->ppid = ppid;
		proc->pgid = pgid;
		proc->sid = sid;
		proc->cpu_ticks = user + system;
	}
}

/* Without the empty words behind it, which a title leaves: "npm start". */
static void read_command(struct proc *proc, struct buf *text)
{
	size_t len;

	if (!proc_file_read(text, proc->pid, "cmdline") || text->len == 0) {
		snprintf(proc->command, sizeof proc->command, "[%s]", proc->name);
		return;
	}
	for (len = text->len; len > 0 && text->data[len - 1] == '\0'; len--)
		;
	for (size_t i = 0; i < len; i++) {
		if (text->data[i] == '\0')
			text->data[i] = ' ';
	}
	snprintf(proc->command, sizeof proc->command, "%.*s",
		(int)sizeof proc->command - 1, buf_text(text));
}

static void keep_words(struct proc *proc, struct buf *text)
{
	char folder[4096];

	if (proc_file_read(text, proc->pid, "cmdline") && text->len > 0) {
		proc->words = mem_grown(NULL, text->len, 1);
		memcpy(proc->words, text->data, text->len);
		proc->words_len = text->len;
	}
	if (proc_file_link(proc->pid, "cwd", folder, sizeof folder))
		proc->folder = mem_text(folder);
}

/* The kernel adds " (deleted)" to the path of a removed program. */
static void read_exe(struct proc *proc)
{
	char target[4096];
	const char *slash;
	char *gone;

	proc->exe[0] = '\0';
	if (!proc_file_link(proc->pid, "exe", target, sizeof target))
		return;
	gone = strstr(target, " (deleted)");
	if (gone)
		*gone = '\0';
	slash = strrchr(target, '/');
	snprintf(proc->exe, sizeof proc->exe, "%.63s", slash ? slash + 1 : target);
}

/* System calls that wait, and whether for the descriptor in their first argument. */
static const struct waiting_call {
	long number; /* x86-64 */
	const char *name;
	bool on_descriptor;
} waiting_calls[] = {
	{0, "read", true},
	{1, "write", true},
	{2, "open", false},
	{7, "poll", false},
	{19, "readv", true},
	{20, "writev", true},
	{23, "select", false},
	{34, "pause", false},
	{35, "nanosleep", false},
	{40, "sendfile", true},
	{42, "connect", true},
	{43, "accept", true},
	{44, "sendto", true},
	{45, "recvfrom", true},
	{46, "sendmsg", true},
	{47, "recvmsg", true},
	{58, "vfork", false},
	{61, "wait4", false},
	{65, "semop", false},
	{69, "msgsnd", false},
	{70, "msgrcv", false},
	{72, "fcntl", true},
	{73, "flock", true},
	{74, "fsync", true},
	{75, "fdatasync", true},
	{RT_SIGTIMEDWAIT, "rt_sigtimedwait", false},
	{130, "rt_sigsuspend", false},
	{202, "futex", false},
	{208, "io_getevents", false},
	{220, "semtimedop", false},
	{230, "clock_nanosleep", false},
	{232, "epoll_wait", true},
	{242, "mq_timedsend", true},
	{243, "mq_timedreceive", true},
	{247, "waitid", false},
	{257, "openat", false},
	{270, "pselect6", false},
	{271, "ppoll", false},
	{275, "splice", true},
	{281, "epoll_pwait", true},
	{288, "accept4", true},
	{426, "io_uring_enter", true},
	{441, "epoll_pwait2", true},
};

static const struct waiting_call *waiting_call(long syscall)
{
	for (size_t i = 0; i < COUNT(waiting_calls); i++) {
		if (waiting_calls[i].number == syscall)
			return &waiting_calls[i];
	}
	return NULL;
}

static bool waits_on_descriptor(long syscall)
{
	const struct waiting_call *call = waiting_call(syscall);

	return call && call->on_descriptor;
}

static void read_wait(struct proc *proc, struct buf *text)
{
	unsigned long long arg0 = 0, arg1 = 0;
	char name[32];

	proc->syscall = -1;
	proc->waits_on[0] = proc->wchan[0] = '\0';
	if (proc_file_read(text, proc->pid, "syscall") &&
		sscanf(buf_text(text), "%ld 0x%llx 0x%llx", &proc->syscall, &arg0,
			&arg1) < 1)
		proc->syscall = -1; /* "running" */
	proc->syscall_arg0 = arg0;
	proc->syscall_arg1 = arg1;
	if (proc->syscall >= 0 && waits_on_descriptor(proc->syscall)) {
		snprintf(name, sizeof name, "fd/%llu", arg0);
		proc_file_link(proc->pid, name, proc->waits_on, sizeof proc->waits_on);
	}
	if (proc_file_read(text, proc->pid, "wchan") &&
		strcmp(buf_text(text), "0") != 0)
		snprintf(proc->wchan, sizeof proc->wchan, "%.*s",
			(int)sizeof proc->wchan - 1, buf_text(text));
}

/* State and wait are in two files. A process that is running in one and waits in the
 * other fell asleep in between, and is read again. */
static bool read_consistent(struct proc *proc, struct buf *text)
{
	for (unsigned looks = 0; looks < LOOKS_MAX; looks++) {
		if (!read_status(proc, text))
			return false;
		proc->syscall = -1;
		if (proc->state == 'Z')
			return true; /* its main thread waits for nothing any more */
		read_wait(proc, text);
		if (proc->state != 'R' || proc->syscall < 0)
			return true;
	}
	return true;
}

/* --- its connections --- */

static void add_under_way(struct snapshot *snapshot, const struct tcp_socket *socket)
{
	unsigned count = snapshot->under_way_count;

	snapshot->under_way =
		mem_grown(snapshot->under_way, count + 1, sizeof *snapshot->under_way);
	snapshot->under_way[snapshot->under_way_count++] = *socket;
}

/* Several processes may hold it. */
static bool is_under_way(const struct snapshot *snapshot, unsigned long inode)
{
	for (unsigned i = 0; i < snapshot->under_way_count; i++) {
		if (snapshot->under_way[i].inode == inode)
			return true;
	}
	return false;
}

static void note_request(struct snapshot *snapshot, const struct tcp_table *table,
	const struct tcp_socket *socket)
{
	bool connected = socket->state == TCP_TABLE_ESTABLISHED ||
		socket->state == TCP_TABLE_CLOSE_WAIT;

	if (connected && socket->cookie && (socket->owes || socket->unsent) &&
		tcp_table_listens(table, socket->port) &&
		!is_under_way(snapshot, socket->inode))
		add_under_way(snapshot, socket);
}

/* A client's peer is told before one that this process is a client of. */
static void note_peer(struct proc *proc, const char *peer, bool is_client)
{
	proc->connections++;
	if (!proc->peer[0] || (is_client && proc->clients == 0))
		snprintf(proc->peer, sizeof proc->peer, "%s", peer);
	proc->clients += is_client;
}

static void note_socket(
	struct proc *proc, const struct tcp_socket *socket, bool is_client)
{
	if (socket->state == TCP_TABLE_LISTEN) {
		if (proc->listening < SNAPSHOT_PORTS_MAX)
			proc->ports[proc->listening] = socket->port;
		proc->listening++;
	}
	if (socket->state != TCP_TABLE_ESTABLISHED &&
		socket->state != TCP_TABLE_CLOSE_WAIT)
		return;
	note_peer(proc, socket->peer, is_client);
	proc->unread += socket->unread;
	proc->unsent += socket->unsent;
}

static void note_unix_socket(struct proc *proc, const struct unix_table *table,
	const struct unix_socket *socket)
{
	char peer[112];

	if (socket->listens && !proc->unix_path[0])
		memcpy(proc->unix_path, socket->path, sizeof proc->unix_path);
	if (!unix_table_is_accepted(table, socket))
		return;
	snprintf(peer, sizeof peer, "unix:%.100s", socket->path);
	note_peer(proc, peer, true);
}

static bool listens(const struct snapshot *snapshot, unsigned port)
{
	for (unsigned i = 0; i < snapshot->count; i++) {
		const struct proc *proc = &snapshot->procs[i];

		for (unsigned j = 0; j < proc->listening && j < SNAPSHOT_PORTS_MAX;
			j++) {
			if (proc->ports[j] == port)
				return true;
		}
	}
	return false;
}

static void read_sockets(struct snapshot *snapshot, struct proc *proc,
	const struct tcp_table *table, const struct unix_table *unix_table,
	const struct snapshot *earlier)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/fd", (int)proc->pid);
	DIR *folder = table->count || unix_table->count ? opendir(path) : NULL;
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		const struct tcp_socket *socket;
		const struct unix_socket *unix_socket;
		unsigned long inode;
		char target[64], name[32];

		snprintf(name, sizeof name, "fd/%.20s", entry->d_name);
		if (!proc_file_link(proc->pid, name, target, sizeof target) ||
			sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		unix_socket = unix_table_find(unix_table, inode);
		if (unix_socket)
			note_unix_socket(proc, unix_table, unix_socket);
		socket = tcp_table_find(table, inode);
		if (!socket)
			continue;
		note_socket(proc, socket,
			tcp_table_listens(table, socket->port) ||
				(earlier && listens(earlier, socket->port)));
		note_request(snapshot, table, socket);
	}
	if (folder)
		closedir(folder);
}

/* Connections that the kernel has accepted and no process yet: PID 1 owes them. */
static void note_backlog(struct snapshot *snapshot, const struct tcp_table *table)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct tcp_socket *socket = &table->list[i];

		if (socket->inode != 0 || socket->state != TCP_TABLE_ESTABLISHED ||
			!listens(snapshot, socket->port))
			continue;
		snapshot->procs[0].connections++;
		snapshot->procs[0].clients++;
		snapshot->procs[0].unread += socket->unread;
		if (socket->unread > 0)
			add_under_way(snapshot, socket);
	}
}

/* False when the process has ended, or the snapshot is full. */
static bool add_proc(struct snapshot *snapshot, pid_t pid, struct buf *text)
{
	struct proc proc = {.pid = pid};

	if (snapshot->count >= SNAPSHOT_PROCS_MAX || !read_consistent(&proc, text))
		return false;
	read_stat(&proc, text);
	read_command(&proc, text);
	if (snapshot->count < SNAPSHOT_WORDS_MAX)
		keep_words(&proc, text);
	read_exe(&proc);
	snapshot->procs = mem_grown(
		snapshot->procs, snapshot->count + 1, sizeof *snapshot->procs);
	snapshot->procs[snapshot->count++] = proc;
	return true;
}

bool snapshot_take(struct snapshot *snapshot, pid_t pid1, bool sockets,
	const struct snapshot *earlier, struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = FILE_MAX};
	SCOPED(descendants_done) struct descendants descendants = {0};
	SCOPED(tcp_table_done) struct tcp_table table = {0};
	SCOPED(unix_table_done) struct unix_table unix_table = {0};
	struct snapshot taken = {0};

	if (!add_proc(&taken, pid1, &text))
		return err_set(err, "process %d is gone", (int)pid1);
	descendants_read(&descendants, pid1, NULL, NULL);
	if (taken.procs[0].ns_pid == 1)
		descendants_join_namespace(&descendants, pid1);
	for (size_t i = 0; i < descendants.count; i++)
		add_proc(&taken, descendants.all[i].pid, &text);
	if (sockets) {
		tcp_table_read(&table, pid1, TCP_TABLE_LISTENING | TCP_TABLE_CONNECTED);
		unix_table_read(&unix_table, pid1);
	}
	for (unsigned i = 0; i < taken.count && i < SNAPSHOT_SOCKETS_MAX; i++)
		read_sockets(&taken, &taken.procs[i], &table, &unix_table, earlier);
	note_backlog(&taken, &table);
	taken.has_sockets = sockets;
	taken.ns = clock_now();
	*snapshot = taken;
	return true;
}

void snapshot_done(struct snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->count; i++) {
		free(snapshot->procs[i].words);
		free(snapshot->procs[i].folder);
	}
	free(snapshot->procs);
	free(snapshot->under_way);
	*snapshot = (struct snapshot){0};
}

bool proc_mask_has(uint64_t mask, int signal_number)
{
	return signal_number > 0 && (mask >> (signal_number - 1) & 1);
}

bool proc_awaits_signals(const struct proc *proc)
{
	return proc->syscall == RT_SIGTIMEDWAIT || strstr(proc->wchan, "sigtimedwait");
}

bool proc_receives(const struct proc *proc, int signal_number)
{
	return proc_mask_has(proc->caught, signal_number) ||
		proc_mask_has(proc->blocked, signal_number) ||
		proc_awaits_signals(proc);
}

/* The n-th word of a command, from 0, without its path and a login shell's dash. */
static const char *word_of(const char *command, unsigned n, char *word, size_t size)
{
	const char *slash;

	for (; n > 0; n--) {
		command += strcspn(command, " ");
		command += strspn(command, " ");
	}
	snprintf(word, size, "%.*s", (int)strcspn(command, " "), command);
	slash = strrchr(word, '/');
	return slash ? slash + 1 : word + (word[0] == '-');
}

static bool is_one_of(const char *word, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(word, *names) == 0)
			return true;
	}
	return false;
}

static bool is_named(const struct proc *proc, const char *const *names)
{
	char word[sizeof proc->command];

	/* npm calls itself "npm start". */
	return is_one_of(word_of(proc->name, 0, word, sizeof word), names) ||
		is_one_of(word_of(proc->command, 0, word, sizeof word), names) ||
		is_one_of(proc->exe, names);
}

/* Busybox is the shell that its first argument names. */
static bool is_busybox_shell(const struct proc *proc)
{
	static const char *const shells[] = {"sh", "ash", NULL};
	char word[sizeof proc->command];

	return strcmp(word_of(proc->command, 0, word, sizeof word), "busybox") == 0 &&
		is_one_of(word_of(proc->command, 1, word, sizeof word), shells);
}

bool proc_listens(const struct proc *proc)
{
	return proc->listening > 0 || proc->unix_path[0];
}

bool proc_is_launcher(const struct proc *proc)
{
	static const char *const launchers[] = {
		"sh", "dash", "bash", "ash", "npm", "yarn", "pnpm", NULL};

	return is_named(proc, launchers) || is_busybox_shell(proc);
}

bool proc_is_init(const struct proc *proc)
{
	static const char *const inits[] = {
		"tini", "docker-init", "dumb-init", "catatonit", NULL};

	return is_named(proc, inits);
}

const char *proc_syscall_name(const struct proc *proc)
{
	const struct waiting_call *call = waiting_call(proc->syscall);

	return call ? call->name : "";
}

bool proc_awaits_child(const struct proc *proc)
{
	const char *name = proc_syscall_name(proc);

	return strcmp(name, "wait4") == 0 || strcmp(name, "waitid") == 0 ||
		strcmp(name, "rt_sigsuspend") == 0 || proc_awaits_signals(proc) ||
		strcmp(proc->wchan, "do_wait") == 0;
}

bool proc_is_shell(const struct proc *proc)
{
	static const char *const shells[] = {
		"sh", "dash", "bash", "ash", "zsh", "ksh", "mksh", NULL};

	return is_named(proc, shells) || is_busybox_shell(proc);
}

static cJSON *proc_json(const struct proc *proc)
{
	const char state[] = {proc->state, '\0'};
	const uint64_t masks[] = {proc->shared_pending, proc->pending, proc->blocked,
		proc->ignored, proc->caught};
	char hex[COUNT(masks)][24];

	for (size_t i = 0; i < COUNT(masks); i++)
		snprintf(hex[i], sizeof hex[i], "%016" PRIx64, masks[i]);
	return json_fill(NULL,
		"{'pid': %d, 'ns_pid': %d, 'ppid': %d, 'pgid': %d, 'sid': %d, "
		"'state': %s, 'name': %s, 'command': %s, 'exe': %s, 'threads': %u, "
		"'ShdPnd': %s, 'SigPnd': %s, 'SigBlk': %s, 'SigIgn': %s, 'SigCgt': %s, "
		"'syscall': %g, 'waits_on': %s, 'wchan': %s, 'cpu_ticks': %g, "
		"'listening': %u, 'unix_path': %s, 'connections': %u, 'clients': %u, 'peer': %s, "
		"'unread': %u, 'unsent': %u}",
		(int)proc->pid, (int)proc->ns_pid, (int)proc->ppid, (int)proc->pgid,
		(int)proc->sid, state, proc->name, proc->command, proc->exe,
		proc->threads, hex[0], hex[1], hex[2], hex[3], hex[4],
		(double)proc->syscall, proc->waits_on, proc->wchan,
		(double)proc->cpu_ticks, proc->listening, proc->unix_path,
		proc->connections, proc->clients, proc->peer, proc->unread,
		proc->unsent);
}

cJSON *snapshot_json(const struct snapshot *snapshot)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *procs = cJSON_AddArrayToObject(json, "processes");

	cJSON_AddNumberToObject(json, "ns", (double)snapshot->ns);
	for (unsigned i = 0; i < snapshot->count; i++)
		cJSON_AddItemToArray(procs, proc_json(&snapshot->procs[i]));
	return json;
}

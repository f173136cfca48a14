#include "harness/engine/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/descendants.h"
#include "lib/mem.h"

#define RT_SIGTIMEDWAIT 128 /* x86-64; elsewhere it is told by its wait channel */
#define FILE_MAX        ((size_t)64 << 10)
#define LOOKS_MAX       16 /* at a process that moves while it is read */

/* Reads /proc/PID/NAME; false when the process is gone or it is not allowed. */
static bool read_proc(pid_t pid, const char *name, char *text, size_t size, size_t *len)
{
	char path[64];
	size_t have = 0;
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (have < size - 1 && (got = read(fd, text + have, size - 1 - have)) > 0)
		have += (size_t)got;
	close(fd);
	text[have] = '\0';
	if (len)
		*len = have;
	return got >= 0;
}

static const char *after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

static uint64_t mask(const char *text, const char *key)
{
	const char *at = after(text, key);

	return at ? strtoull(at, NULL, 16) : 0;
}

/* The last number of "NSpid:	412	1" is the pid in the innermost namespace. */
static pid_t inner_pid(const char *text)
{
	const char *at = after(text, "\nNSpid:");
	pid_t pid = 0;
	char *end;

	while (at && *at == '\t') {
		pid = (pid_t)strtol(at + 1, &end, 10);
		at = end;
	}
	return pid;
}

static bool read_status(struct proc *proc, char *text)
{
	const char *at;

	if (!read_proc(proc->pid, "status", text, FILE_MAX, NULL))
		return false;
	at = after(text, "Name:\t");
	if (at)
		snprintf(proc->name, sizeof proc->name, "%.*s", (int)strcspn(at, "\n"),
			at);
	at = after(text, "\nState:\t");
	proc->state = at ? *at : '?';
	at = after(text, "\nThreads:\t");
	proc->threads = at ? (unsigned)strtoul(at, NULL, 10) : 0;
	proc->ns_pid = inner_pid(text);
	proc->pending = mask(text, "\nSigPnd:\t");
	proc->shared_pending = mask(text, "\nShdPnd:\t");
	proc->blocked = mask(text, "\nSigBlk:\t");
	proc->ignored = mask(text, "\nSigIgn:\t");
	proc->caught = mask(text, "\nSigCgt:\t");
	return true;
}

/* "412 (name with ) in it) S ppid pgrp session ..." */
static void read_stat(struct proc *proc, char *text)
{
	const char *at;
	int ppid, pgid, sid;

	if (!read_proc(proc->pid, "stat", text, FILE_MAX, NULL))
		return;
	at = strrchr(text, ')');
	if (at && sscanf(at + 1, " %*c %d %d %d", &ppid, &pgid, &sid) == 3) {
		proc->ppid = ppid;
		proc->pgid = pgid;
		proc->sid = sid;
	}
}

static void read_command(struct proc *proc, char *text)
{
	size_t len = 0;

	if (!read_proc(proc->pid, "cmdline", text, FILE_MAX, &len) || len == 0) {
		snprintf(proc->command, sizeof proc->command, "[%s]", proc->name);
		return;
	}
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	snprintf(proc->command, sizeof proc->command, "%.*s",
		(int)sizeof proc->command - 1, text);
}

/* Behind the path of a program that is no longer there the kernel writes that. */
static void read_exe(struct proc *proc)
{
	char path[64], target[4096];
	const char *slash;
	ssize_t len;
	char *gone;

	proc->exe[0] = '\0';
	snprintf(path, sizeof path, "/proc/%d/exe", (int)proc->pid);
	len = readlink(path, target, sizeof target - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	gone = strstr(target, " (deleted)");
	if (gone)
		*gone = '\0';
	slash = strrchr(target, '/');
	snprintf(proc->exe, sizeof proc->exe, "%.63s", slash ? slash + 1 : target);
}

/* Calls whose first argument is a descriptor that they wait for. */
static bool waits_on_descriptor(long syscall)
{
	return syscall == 0 /* read */ || syscall == 1 /* write */ ||
		syscall == 45 /* recvfrom */ || syscall == 47 /* recvmsg */ ||
		syscall == 232 /* epoll_wait */ || syscall == 281 /* epoll_pwait */;
}

static void read_wait(struct proc *proc, char *text)
{
	unsigned long long arg0 = 0;
	char path[96];
	ssize_t len;

	proc->syscall = -1;
	proc->waits_on[0] = proc->wchan[0] = '\0';
	if (read_proc(proc->pid, "syscall", text, FILE_MAX, NULL) &&
		sscanf(text, "%ld 0x%llx", &proc->syscall, &arg0) < 1)
		proc->syscall = -1; /* "running" */
	proc->syscall_arg0 = arg0;
	if (proc->syscall >= 0 && waits_on_descriptor(proc->syscall)) {
		snprintf(path, sizeof path, "/proc/%d/fd/%llu", (int)proc->pid, arg0);
		len = readlink(path, proc->waits_on, sizeof proc->waits_on - 1);
		if (len > 0)
			proc->waits_on[len] = '\0';
	}
	if (read_proc(proc->pid, "wchan", text, FILE_MAX, NULL) &&
		strcmp(text, "0") != 0)
		snprintf(proc->wchan, sizeof proc->wchan, "%.*s",
			(int)sizeof proc->wchan - 1, text);
}

/*
 * Its state and its wait are in two files, between which it may fall asleep: one that
 * was running and yet waits is looked at again.
 */
static bool read_moving(struct proc *proc, char *text)
{
	for (unsigned looks = 0; looks < LOOKS_MAX; looks++) {
		if (!read_status(proc, text))
			return false;
		if (proc->state == 'Z')
			return true;
		read_wait(proc, text);
		if (proc->state != 'R' || proc->syscall < 0)
			return true;
	}
	return true;
}

/* False when it is gone, or one too many. */
static bool add_proc(struct snapshot *snapshot, pid_t pid, char *text)
{
	struct proc proc = {.pid = pid};

	if (snapshot->count >= SNAPSHOT_PROCS_MAX || !read_moving(&proc, text))
		return false;
	read_stat(&proc, text);
	read_command(&proc, text);
	read_exe(&proc);
	snapshot->procs = mem_grown(
		snapshot->procs, snapshot->count + 1, sizeof *snapshot->procs);
	snapshot->procs[snapshot->count++] = proc;
	return true;
}

bool snapshot_take(struct snapshot *snapshot, pid_t pid1, struct err *err)
{
	SCOPED(mem_free) char *text = mem_zeroed(FILE_MAX);
	SCOPED(descendants_done) struct descendants descendants = {0};
	struct snapshot taken = {0};

	if (!add_proc(&taken, pid1, text))
		return err_set(err, "process %d is gone", (int)pid1);
	descendants_read(&descendants, pid1, NULL, NULL);
	for (size_t i = 0; i < descendants.count; i++)
		add_proc(&taken, descendants.all[i].pid, text);
	taken.ns = clock_now();
	*snapshot = taken;
	return true;
}

void snapshot_done(struct snapshot *snapshot)
{
	free(snapshot->procs);
	*snapshot = (struct snapshot){0};
}

static bool has(uint64_t signals, int signal_number)
{
	return signal_number > 0 && (signals >> (signal_number - 1) & 1);
}

bool proc_catches(const struct proc *proc, int signal_number)
{
	return has(proc->caught, signal_number);
}

bool proc_blocks(const struct proc *proc, int signal_number)
{
	return has(proc->blocked, signal_number);
}

bool proc_ignores(const struct proc *proc, int signal_number)
{
	return has(proc->ignored, signal_number);
}

bool proc_awaits_signals(const struct proc *proc)
{
	return proc->syscall == RT_SIGTIMEDWAIT || strstr(proc->wchan, "sigtimedwait");
}

bool proc_hears(const struct proc *proc, int signal_number)
{
	return proc_catches(proc, signal_number) || proc_blocks(proc, signal_number) ||
		proc_awaits_signals(proc);
}

/* The n-th word of a command, from 0, without its path; "" when there is none. A login
 * shell has a dash in front. */
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

static bool goes_by(const struct proc *proc, const char *const *names)
{
	char word[sizeof proc->command];

	/* npm calls itself "npm start". */
	return is_one_of(word_of(proc->name, 0, word, sizeof word), names) ||
		is_one_of(word_of(proc->command, 0, word, sizeof word), names) ||
		is_one_of(proc->exe, names);
}

bool proc_is_launcher(const struct proc *proc)
{
	static const char *const launchers[] = {
		"sh", "dash", "bash", "ash", "npm", "yarn", "pnpm", NULL};
	static const char *const busybox[] = {"busybox", NULL};
	static const char *const shells[] = {"sh", "ash", NULL};
	char word[sizeof proc->command];

	if (goes_by(proc, launchers))
		return true;
	/* Busybox is whatever it is asked to be. */
	return is_one_of(word_of(proc->command, 0, word, sizeof word), busybox) &&
		is_one_of(word_of(proc->command, 1, word, sizeof word), shells);
}

bool proc_is_init(const struct proc *proc)
{
	static const char *const inits[] = {
		"tini", "docker-init", "dumb-init", "catatonit", NULL};

	return goes_by(proc, inits);
}

static void add_mask(cJSON *json, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
	cJSON_AddStringToObject(json, key, text);
}

static cJSON *proc_json(const struct proc *proc)
{
	cJSON *json = cJSON_CreateObject();
	const char state[] = {proc->state, '\0'};

	cJSON_AddNumberToObject(json, "pid", proc->pid);
	cJSON_AddNumberToObject(json, "ns_pid", proc->ns_pid);
	cJSON_AddNumberToObject(json, "ppid", proc->ppid);
	cJSON_AddNumberToObject(json, "pgid", proc->pgid);
	cJSON_AddNumberToObject(json, "sid", proc->sid);
	cJSON_AddStringToObject(json, "state", state);
	cJSON_AddStringToObject(json, "name", proc->name);
	cJSON_AddStringToObject(json, "command", proc->command);
	cJSON_AddStringToObject(json, "exe", proc->exe);
	cJSON_AddNumberToObject(json, "threads", proc->threads);
	add_mask(json, "ShdPnd", proc->shared_pending);
	add_mask(json, "SigPnd", proc->pending);
	add_mask(json, "SigBlk", proc->blocked);
	add_mask(json, "SigIgn", proc->ignored);
	add_mask(json, "SigCgt", proc->caught);
	cJSON_AddNumberToObject(json, "syscall", (double)proc->syscall);
	cJSON_AddStringToObject(json, "waits_on", proc->waits_on);
	cJSON_AddStringToObject(json, "wchan", proc->wchan);
	return json;
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

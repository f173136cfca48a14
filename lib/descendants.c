#include "lib/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define PATH_SIZE 64

#ifndef NS_GET_TGID_FROM_PIDNS
#define NS_GET_TGID_FROM_PIDNS _IOR(NSIO, 0x7, int) /* Linux 6.11 */
#endif

struct descendants_filter {
	descendants_spared_fn *spared;
	const void *arg;
};

struct proc_stat {
	pid_t pid, parent;
	bool dead;
};

void descendants_done(struct descendants *descendants)
{
	free(descendants->all);
	*descendants = (struct descendants){0};
}

bool descendants_has(const struct descendants *descendants, pid_t pid)
{
	for (size_t i = 0; i < descendants->count; i++)
		if (descendants->all[i].pid == pid)
			return true;
	return false;
}

void descendants_add(struct descendants *descendants, pid_t pid, bool dead)
{
	if (descendants->count == descendants->room) {
		descendants->room = descendants->room ? 2 * descendants->room : 16;
		descendants->all = mem_grown(
			descendants->all, descendants->room, sizeof *descendants->all);
	}
	descendants->all[descendants->count++] =
		(struct descendant){.pid = pid, .dead = dead};
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* The next entry that is a number; 0: there is none left. */
static pid_t next_number(DIR *folder)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && number > 0 && number <= INT_MAX)
			return (pid_t)number;
	}
	return 0;
}

/* False: the process has been reaped. The name in front may hold anything, so the
 * fields are counted from the last parenthesis. A main thread that ended before the
 * others has the state of a zombie, although its process has not ended. */
static bool read_stat(struct proc_stat *proc_stat, pid_t pid)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *fields;
	int parent, threads;
	char state;

	if (!proc_file_read(&text, pid, "stat"))
		return false;
	fields = strrchr(buf_text(&text), ')');
	if (!fields ||
		sscanf(fields + 1,
			" %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			"%*s %*s %*s %d",
			&state, &parent, &threads) != 3)
		return false;
	*proc_stat = (struct proc_stat){
		.pid = pid,
		.parent = parent,
		.dead = (state == 'Z' || state == 'X') && threads <= 1,
	};
	return true;
}

/* A process whose parent ends during the read can be found twice. */
static void add_found(struct descendants *descendants,
	const struct proc_stat *proc_stat, struct descendants_filter filter)
{
	if (filter.spared && filter.spared(filter.arg, proc_stat->pid))
		return;
	if (!descendants_has(descendants, proc_stat->pid))
		descendants_add(descendants, proc_stat->pid, proc_stat->dead);
}

static void add_children(
	struct descendants *descendants, pid_t pid, struct descendants_filter filter)
{
	char path[PATH_SIZE], *end;
	struct proc_stat proc_stat;
	pid_t tid, child;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	SCOPED(close_folder) DIR *threads = opendir(path);
	while (threads && (tid = next_number(threads)) > 0) {
		SCOPED(buf_done) struct buf children = {0};
		const char *at = "";

		snprintf(path, sizeof path, "task/%d/children", (int)tid);
		if (proc_file_read(&children, pid, path))
			at = buf_text(&children);
		for (; (child = (pid_t)strtol(at, &end, 10)) > 0; at = end)
			if (read_stat(&proc_stat, child))
				add_found(descendants, &proc_stat, filter);
	}
}

/* A /proc of another PID namespace has other numbers. */
static bool is_own_proc(void)
{
	char pid[16], text[16];
	ssize_t len = readlink("/proc/self", text, sizeof text - 1);

	if (len < 0)
		return false;
	text[len] = '\0';
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	return strcmp(pid, text) == 0;
}

void descendants_read(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg)
{
	const struct descendants_filter filter = {spared, arg};

	if (access("/proc/thread-self/children", R_OK) != 0) {
		descendants_scan(descendants, root, spared, arg);
		return;
	}
	descendants->count = 0;
	if (!is_own_proc())
		return;
	add_children(descendants, root, filter);
	for (size_t i = 0; i < descendants->count; i++)
		add_children(descendants, descendants->all[i].pid, filter);
}

/* --- a PID namespace --- */

/* The /proc of a PID namespace, as its PID 1 has it mounted. NULL: it has none, or that of
 * another namespace. */
static DIR *open_inner_proc(pid_t root, const char *namespace)
{
	char path[PATH_SIZE], inner[PATH_SIZE] = "";
	struct statfs statfs;
	DIR *folder;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/root/proc", (int)root);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstatfs(fd, &statfs) == 0 && statfs.f_type == PROC_SUPER_MAGIC &&
		readlinkat(fd, "1/ns/pid", inner, sizeof inner - 1) > 0 &&
		strcmp(inner, namespace) == 0 && (folder = fdopendir(fd)))
		return folder;
	close(fd);
	return NULL;
}

/* One that is dead has no namespace any more. */
static void add_member(struct descendants *descendants, pid_t pid, pid_t root)
{
	const struct descendants_filter all = {NULL, NULL};
	struct proc_stat proc_stat;

	if (pid > 0 && pid != root && read_stat(&proc_stat, pid) && !proc_stat.dead)
		add_found(descendants, &proc_stat, all);
}

/* Costs as much as the namespace has processes, and not the machine. False: the kernel is
 * older than 6.11, we are not root (another user's may be hidden), or there is no such
 * /proc. */
static bool join_by_inner_proc(
	struct descendants *descendants, pid_t root, const char *namespace)
{
	SCOPED(close_folder)
	DIR *processes = geteuid() == 0 ? open_inner_proc(root, namespace) : NULL;
	char path[PATH_SIZE];
	pid_t inner;
	bool ok;
	int fd;

	if (!processes)
		return false;
	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ok = fd >= 0 && ioctl(fd, NS_GET_TGID_FROM_PIDNS, 1) == root;
	while (ok && (inner = next_number(processes)) > 0)
		add_member(descendants, ioctl(fd, NS_GET_TGID_FROM_PIDNS, inner), root);
	if (fd >= 0)
		close(fd);
	return ok;
}

static void join_by_links(
	struct descendants *descendants, pid_t root, const char *namespace)
{
	SCOPED(close_folder) DIR *processes = opendir("/proc");
	char other[PATH_SIZE];
	pid_t pid;

	while (processes && (pid = next_number(processes)) > 0) {
		if (proc_file_link(pid, "ns/pid", other, sizeof other) &&
			strcmp(namespace, other) == 0)
			add_member(descendants, pid, root);
	}
}

void descendants_join_namespace(struct descendants *descendants, pid_t root)
{
	const struct descendants_filter all = {NULL, NULL};
	char namespace[PATH_SIZE];
	size_t next = descendants->count;

	if (!proc_file_link(root, "ns/pid", namespace, sizeof namespace))
		return;
	if (!join_by_inner_proc(descendants, root, namespace))
		join_by_links(descendants, root, namespace);
	for (; next < descendants->count; next++)
		add_children(descendants, descendants->all[next].pid, all);
}

/* Gives the caller an array to free(). */
static struct proc_stat *read_all(size_t *count)
{
	SCOPED(close_folder) DIR *processes = opendir("/proc");
	struct proc_stat *all = NULL, proc_stat;
	size_t room = 0;
	pid_t pid;

	*count = 0;
	while (processes && (pid = next_number(processes)) > 0) {
		if (!read_stat(&proc_stat, pid))
			continue;
		if (*count == room) {
			room = room ? 2 * room : 256;
			all = mem_grown(all, room, sizeof *all);
		}
		all[(*count)++] = proc_stat;
	}
	return all;
}

void descendants_scan(struct descendants *descendants, pid_t root,
	descendants_spared_fn *spared, const void *arg)
{
	const struct descendants_filter filter = {spared, arg};
	size_t count;
	SCOPED(mem_free) struct proc_stat *all = read_all(&count);
	pid_t parent = root;

	descendants->count = 0;
	if (!is_own_proc())
		return;
	for (size_t next = 0;; parent = descendants->all[next++].pid) {
		for (size_t i = 0; i < count; i++)
			if (all[i].parent == parent)
				add_found(descendants, &all[i], filter);
		if (next == descendants->count)
			return;
	}
}

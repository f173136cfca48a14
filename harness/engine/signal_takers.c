#include "harness/engine/signal_takers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define RT_SIGTIMEDWAIT 128 /* x86-64 */
#define FILE_MAX        ((size_t)64 << 10)

static bool has(uint64_t mask, int signal_number)
{
	return mask >> (signal_number - 1) & 1;
}

/* The set of signals at this address of the process. */
static bool read_set(uint64_t *set, pid_t pid, unsigned long long address)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/mem", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		pread(fd, set, sizeof *set, (off_t)address) == (ssize_t)sizeof *set;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* In sigwait the kernel has taken the signals that are waited for out of the mask. */
static bool look_at_thread(
	struct signal_takers *takers, const char *tid, int number, struct buf *text)
{
	SCOPED(mem_free) char *status = mem_textf("task/%s/status", tid);
	SCOPED(mem_free) char *syscall = mem_textf("task/%s/syscall", tid);
	SCOPED(mem_free) char *main = mem_textf("%d", (int)takers->pid);
	unsigned long long address = 0;
	uint64_t set = 0;
	const char *blocked;
	long call = -1;

	if (!proc_file_read(text, takers->pid, status))
		return true; /* it has ended */
	blocked = proc_file_value(buf_text(text), "SigBlk");
	if (blocked && has(strtoull(blocked, NULL, 16), number))
		return true;
	if (!proc_file_read(text, takers->pid, syscall))
		return false;
	if (sscanf(buf_text(text), "%ld 0x%llx", &call, &address) == 2 &&
		call == RT_SIGTIMEDWAIT) {
		if (!read_set(&set, takers->pid, address))
			return false;
		if (has(set, number)) {
			takers->waiting++;
			takers->main_waits |= strcmp(tid, main) == 0;
			return true;
		}
	}
	takers->unblocked++;
	return true;
}

static bool look_at_descriptor(
	struct signal_takers *takers, const char *fd, int number, struct buf *text)
{
	SCOPED(mem_free) char *link = mem_textf("fd/%s", fd);
	SCOPED(mem_free) char *info = mem_textf("fdinfo/%s", fd);
	char target[64];
	const char *mask;

	if (!proc_file_link(takers->pid, link, target, sizeof target) ||
		strcmp(target, "anon_inode:[signalfd]") != 0)
		return true;
	if (!proc_file_read(text, takers->pid, info))
		return false;
	mask = proc_file_value(buf_text(text), "sigmask");
	takers->signalfds += mask && has(strtoull(mask, NULL, 16), number);
	return true;
}

typedef bool look_fn(
	struct signal_takers *takers, const char *name, int number, struct buf *text);

static bool look_at_each(
	struct signal_takers *takers, const char *what, int number, look_fn *look)
{
	SCOPED(buf_done) struct buf text = {.ceiling = FILE_MAX};
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/%s", (int)takers->pid, what);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool ok = folder != NULL;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.')
			ok &= look(takers, entry->d_name, number, &text);
	}
	if (folder)
		closedir(folder);
	return ok;
}

static bool is_gone(pid_t pid)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d", (int)pid);

	return access(path, F_OK) != 0;
}

static unsigned larger(unsigned one, unsigned other)
{
	return one > other ? one : other;
}

void signal_takers_look(struct signal_takers *takers, int signal_number)
{
	struct signal_takers now = {.pid = takers->pid};

	now.known = look_at_each(&now, "task", signal_number, look_at_thread);
	now.known &= look_at_each(&now, "fd", signal_number, look_at_descriptor);
	takers->known = now.known;
	takers->gone = is_gone(takers->pid);
	takers->main_waits |= now.main_waits;
	takers->unblocked = larger(takers->unblocked, now.unblocked);
	takers->waiting = larger(takers->waiting, now.waiting);
	takers->signalfds = larger(takers->signalfds, now.signalfds);
}

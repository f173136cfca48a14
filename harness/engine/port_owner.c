#include "harness/engine/port_owner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/descendants.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define TCP_LISTEN_STATE 0x0A /* TCP_LISTEN of the kernel's tcp_states.h */

/* How well a socket fits a connection to 127.0.0.1, in the kernel's order. */
enum match {
	MATCH_NONE,
	MATCH_ANY_IPV6,
	MATCH_ANY,
	MATCH_LOOPBACK_IPV6,
	MATCH_LOOPBACK
};

struct port_listener {
	enum match match;
	unsigned long inode;
};

#define LISTENERS_MAX 16 /* several share a port with SO_REUSEPORT */

struct port_listeners {
	struct port_listener all[LISTENERS_MAX];
	unsigned count;
};

/* An address as /proc/net/tcp{,6} prints it: 32-bit words in host byte order. */
static enum match match_of(const char *address)
{
	char loopback[16], mapped[40];

	snprintf(loopback, sizeof loopback, "%08X", htonl(INADDR_LOOPBACK));
	snprintf(mapped, sizeof mapped, "%016X%08X%s", 0, htonl(0xFFFF), loopback);
	if (strcmp(address, loopback) == 0)
		return MATCH_LOOPBACK;
	if (strcmp(address, mapped) == 0)
		return MATCH_LOOPBACK_IPV6;
	if (strspn(address, "0") != strlen(address))
		return MATCH_NONE;
	return strlen(address) == 8 ? MATCH_ANY : MATCH_ANY_IPV6;
}

/* "  0: 0100007F:1F90 00000000:0000 0A ... 4711": address, port, state, inode. */
static bool parse_row(const char *line, int port, struct port_listener *listener)
{
	char address[40];
	unsigned at, state;

	if (sscanf(line, " %*d: %39[0-9A-F]:%x %*s %x %*s %*s %*s %*d %*d %lu", address,
		    &at, &state, &listener->inode) != 4)
		return false;
	listener->match = match_of(address);
	return state == TCP_LISTEN_STATE && (int)at == port &&
		listener->match != MATCH_NONE;
}

/* Adds those of this table; a better match replaces all that were found before. */
static void find_listeners(
	struct port_listeners *listeners, pid_t root, const char *table, int port)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/net/%s", (int)root, table);
	FILE *file = fopen(path, "re");
	struct port_listener listener;
	char line[512];

	while (file && fgets(line, sizeof line, file)) {
		enum match best =
			listeners->count ? listeners->all[0].match : MATCH_NONE;

		if (!parse_row(line, port, &listener) || listener.match < best)
			continue;
		if (listener.match > best)
			listeners->count = 0;
		if (listeners->count < LISTENERS_MAX)
			listeners->all[listeners->count++] = listener;
	}
	if (file)
		fclose(file);
}

enum holds { HOLDS_NOT, HOLDS, HOLDS_UNKNOWN };

static enum holds holds_socket(pid_t pid, unsigned long inode)
{
	SCOPED(mem_free) char *wanted = mem_textf("socket:[%lu]", inode);
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	enum holds holds = HOLDS_NOT;
	const struct dirent *entry;
	char target[64];

	if (!folder)
		return errno == EACCES || errno == EPERM ? HOLDS_UNKNOWN : HOLDS_NOT;
	while (holds == HOLDS_NOT && (entry = readdir(folder))) {
		ssize_t len = readlinkat(
			dirfd(folder), entry->d_name, target, sizeof target - 1);

		if (len > 0 && (size_t)len == strlen(wanted) &&
			memcmp(target, wanted, (size_t)len) == 0)
			holds = HOLDS;
	}
	closedir(folder);
	return holds;
}

static enum holds tree_holds(pid_t root, unsigned long inode)
{
	SCOPED(descendants_done) struct descendants tree = {0};
	enum holds holds = holds_socket(root, inode);

	descendants_read(&tree, root, NULL, NULL);
	for (size_t i = 0; i < tree.count && holds != HOLDS; i++) {
		enum holds one = holds_socket(tree.all[i].pid, inode);

		if (one != HOLDS_NOT)
			holds = one;
	}
	return holds;
}

/* "node (pid 123)" of the first process that has the socket. */
static void name_holder(unsigned long inode, char *name, size_t size)
{
	SCOPED(buf_done) struct buf comm = {0};
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	snprintf(name, size, "a process that cannot be seen from here");
	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || holds_socket(pid, inode) != HOLDS ||
			!proc_file_read(&comm, pid, "comm"))
			continue;
		snprintf(name, size, "%.*s (pid %d)",
			(int)strcspn(buf_text(&comm), "\n"), buf_text(&comm), (int)pid);
		break;
	}
	if (folder)
		closedir(folder);
}

bool port_owner_is_in_tree(pid_t root, int port, struct err *err)
{
	struct port_listeners listeners = {0};

	find_listeners(&listeners, root, "tcp", port);
	find_listeners(&listeners, root, "tcp6", port);
	for (unsigned i = 0; i < listeners.count; i++) {
		char holder[96];

		if (tree_holds(root, listeners.all[i].inode) != HOLDS_NOT)
			continue;
		name_holder(listeners.all[i].inode, holder, sizeof holder);
		return err_set(err,
			"port %d is held by %s, which is not part of the subject", port,
			holder);
	}
	return true;
}

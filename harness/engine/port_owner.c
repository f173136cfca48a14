#include "harness/engine/port_owner.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/tcp_table.h"
#include "lib/descendants.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

/* TCP_ESTABLISHED and so on of the kernel's tcp_states.h. */
#define TCP_ESTABLISHED_STATE 0x01
#define TCP_SYN_RECV_STATE    0x03

/* How well a socket fits a connection to 127.0.0.1, in the kernel's order. */
enum match {
	MATCH_NONE,
	MATCH_ANY_IPV6,
	MATCH_ANY,
	MATCH_LOOPBACK_IPV6,
	MATCH_LOOPBACK
};

#define LISTENERS_MAX 16 /* several share a port with SO_REUSEPORT */

/* The sockets of the best match. */
struct port_listeners {
	enum match match;
	unsigned long inode[LISTENERS_MAX];
	unsigned count;
};

static enum match match_of(const struct tcp_socket *socket)
{
	struct in6_addr mapped_loopback, mapped_any;
	const struct in6_addr any = IN6ADDR_ANY_INIT;

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped_loopback);
	inet_pton(AF_INET6, "::ffff:0.0.0.0", &mapped_any);
	if (IN6_ARE_ADDR_EQUAL(&socket->address, &mapped_loopback))
		return socket->ipv6 ? MATCH_LOOPBACK_IPV6 : MATCH_LOOPBACK;
	if (socket->ipv6)
		return IN6_ARE_ADDR_EQUAL(&socket->address, &any) ? MATCH_ANY_IPV6
								  : MATCH_NONE;
	return IN6_ARE_ADDR_EQUAL(&socket->address, &mapped_any) ? MATCH_ANY
								 : MATCH_NONE;
}

/* A better match replaces all that were found before. */
static void find_listeners(struct port_listeners *listeners, pid_t root, int port)
{
	SCOPED(tcp_table_done) struct tcp_table table;

	tcp_table_read(&table, root, TCP_TABLE_LISTENING);
	for (unsigned i = 0; i < table.count; i++) {
		enum match match = (int)table.list[i].port == port
			? match_of(&table.list[i])
			: MATCH_NONE;

		if (match == MATCH_NONE || match < listeners->match)
			continue;
		if (match > listeners->match)
			*listeners = (struct port_listeners){.match = match};
		if (listeners->count < LISTENERS_MAX)
			listeners->inode[listeners->count++] = table.list[i].inode;
	}
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

	find_listeners(&listeners, root, port);
	for (unsigned i = 0; i < listeners.count; i++) {
		char holder[96];

		if (tree_holds(root, listeners.inode[i]) != HOLDS_NOT)
			continue;
		name_holder(listeners.inode[i], holder, sizeof holder);
		return err_set(err,
			"port %d is held by %s, which is not part of the subject", port,
			holder);
	}
	return true;
}

/* The connections to a port, as its server and its clients have them. */
struct port_connections {
	char address[16]; /* of the server, as the clients' rows have it */
	unsigned port;
	uint8_t accepted[65536 / 8]; /* a bit for each port of a client */
	bool waiting;
};

typedef void row_fn(struct port_connections *connections, unsigned local,
	unsigned remote, const char *remote_address, unsigned state, unsigned unread,
	unsigned long inode);

static void read_rows(struct port_connections *connections, pid_t pid,
	const char *table, row_fn *each)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/net/%s", (int)pid, table);
	FILE *file = fopen(path, "re");
	char line[512], address[40];
	unsigned local, remote, state, unread;
	unsigned long inode;

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line,
			    " %*d: %*[0-9A-F]:%x %39[0-9A-F]:%x %x %*x:%x %*s %*s %*d "
			    "%*d %lu",
			    &local, address, &remote, &state, &unread, &inode) == 6 &&
			remote < 65536)
			each(connections, local, remote, address, state, unread, inode);
	}
	if (file)
		fclose(file);
}

/* One that was not accepted yet has no inode. */
static void note_server(struct port_connections *connections, unsigned local,
	unsigned remote, const char *remote_address UNUSED, unsigned state,
	unsigned unread, unsigned long inode)
{
	if (local != connections->port)
		return;
	if (state == TCP_SYN_RECV_STATE ||
		(state == TCP_ESTABLISHED_STATE && (unread > 0 || inode == 0)))
		connections->waiting = true;
	connections->accepted[remote / 8] |= (uint8_t)(1u << remote % 8);
}

/* One for which the backlog had no room is established here, and not at the server. (Its
 * bytes that wait for an acknowledgement say nothing: that may be delayed.) */
static void note_client(struct port_connections *connections, unsigned local,
	unsigned remote, const char *remote_address, unsigned state,
	unsigned unread UNUSED, unsigned long inode UNUSED)
{
	if (remote == connections->port && state == TCP_ESTABLISHED_STATE &&
		strcmp(remote_address, connections->address) == 0 && local < 65536 &&
		!(connections->accepted[local / 8] >> local % 8 & 1))
		connections->waiting = true;
}

bool port_owner_has_read(pid_t root, const char *address, int port)
{
	struct port_connections connections = {.port = (unsigned)port};
	struct in_addr binary;

	if (inet_pton(AF_INET, address, &binary) != 1)
		return true;
	snprintf(
		connections.address, sizeof connections.address, "%08X", binary.s_addr);
	read_rows(&connections, root, "tcp", note_server);
	read_rows(&connections, root, "tcp6", note_server);
	read_rows(&connections, getpid(), "tcp", note_client);
	return !connections.waiting;
}

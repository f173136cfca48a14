/*
 * unix_table - the unix sockets of a network namespace that listen at a path, and the
 * connections that were accepted there: an accepted socket has the path of its listener.
 *
 * From /proc/PID/net/unix. Sockets without a path (those of socketpair(2), and the
 * clients' ends) are left out.
 */
#ifndef HARNESS_ENGINE_UNIX_TABLE_H
#define HARNESS_ENGINE_UNIX_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#define UNIX_TABLE_MAX 16384 /* rows; further ones are left out */

struct unix_socket {
	unsigned long inode;
	bool listens;   /* else it is connected */
	char path[108]; /* "@name" of an abstract one */
};

struct unix_table {
	struct unix_socket *list; /* owned */
	unsigned count;
};

/* The namespace is that of pid. Empty where it may not be read. */
void unix_table_read(struct unix_table *table, pid_t pid);
void unix_table_done(struct unix_table *table);

/* NULL: it is none of these. */
const struct unix_socket *unix_table_find(
	const struct unix_table *table, unsigned long inode);

/* Is this connection one that a listener of the table accepted? */
bool unix_table_is_accepted(
	const struct unix_table *table, const struct unix_socket *socket);

#endif

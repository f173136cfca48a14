/*
 * tcp_table - the TCP sockets of a network namespace.
 *
 * Asked for by sock_diag(7), which leaves out the states that nobody asked for: a busy
 * host has thousands of sockets in TIME_WAIT. Where that is not allowed they are read
 * from /proc/PID/net/tcp and tcp6.
 */
#ifndef HARNESS_ENGINE_TCP_TABLE_H
#define HARNESS_ENGINE_TCP_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* States of the kernel's tcp_states.h that somebody asks for. */
enum {
	TCP_TABLE_ESTABLISHED = 1,
	TCP_TABLE_SYN_SENT = 2,
	TCP_TABLE_CLOSE_WAIT = 8,
	TCP_TABLE_LISTEN = 10,
};

/* Sets of them. */
#define TCP_TABLE_LISTENING (1u << TCP_TABLE_LISTEN)
#define TCP_TABLE_CONNECTED                                                            \
	(1u << TCP_TABLE_ESTABLISHED | 1u << TCP_TABLE_SYN_SENT |                      \
		1u << TCP_TABLE_CLOSE_WAIT)

struct tcp_socket {
	unsigned long inode; /* 0: it was not accepted yet */
	int state;
	bool ipv6;
	struct in6_addr address; /* its own; of IPv4 as ::ffff:10.0.0.5 */
	unsigned port, peer_port;
	char peer[56];           /* "10.0.0.5:443", "[::1]:80" */
	unsigned unread, unsent; /* bytes */
	/* It received something since it last sent: as a server it owes an answer.
	 * False where only /proc could be read. */
	bool owes;
};

#define TCP_TABLE_MAX 65536 /* rows; further ones are left out */

struct tcp_table {
	struct tcp_socket *list; /* owned; by inode */
	unsigned count;
	uint8_t listening[65536 / 8]; /* a bit for each port */
};

/* Does anybody listen at this port? */
bool tcp_table_listens(const struct tcp_table *table, unsigned port);

/* The namespace is that of pid. Empty where it may not be read. */
void tcp_table_read(struct tcp_table *table, pid_t pid, unsigned states);
void tcp_table_done(struct tcp_table *table);

/* NULL: it is no TCP socket of this table. */
const struct tcp_socket *tcp_table_find(
	const struct tcp_table *table, unsigned long inode);

#endif

/*
 * tcp_table - the TCP sockets of a network namespace.
 *
 * Asked for by sock_diag(7), which leaves out the states that nobody asked for: a busy
 * host has thousands of sockets in TIME_WAIT. Where that is not allowed they are read
 * from /proc/PID/net/tcp and tcp6.
 */
#ifndef HARNESS_ENGINE_TCP_TABLE_H
#define HARNESS_ENGINE_TCP_TABLE_H

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* States of the kernel's tcp_states.h that somebody asks for. */
enum {
	TCP_TABLE_ESTABLISHED = 1,
	TCP_TABLE_SYN_SENT = 2,
	TCP_TABLE_FIN_WAIT1 = 4,
	TCP_TABLE_TIME_WAIT = 6,
	TCP_TABLE_CLOSE_WAIT = 8,
	TCP_TABLE_LAST_ACK = 9,
	TCP_TABLE_LISTEN = 10,
};

/* Sets of them. (One in TIME-WAIT is no connection any more, and has another cookie than
 * it had; a busy host has tens of thousands.) */
#define TCP_TABLE_LISTENING (1u << TCP_TABLE_LISTEN)
#define TCP_TABLE_ALL       (~0u & ~(1u << TCP_TABLE_TIME_WAIT))
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
	unsigned unread, unsent; /* bytes; the peer's FIN counts as one */

	/* All 0 where only /proc could be read. */
	uint64_t cookie; /* the kernel's number of it, of no other socket ever */
	uint64_t received, sent; /* bytes of its life; the peer's FIN counts as one */
	uint64_t acked;          /* of those that it sent; its own FIN counts as one */
	unsigned segments;       /* with data, that it received */
	/* It received something since it last sent: as a server it owes an answer. */
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

/* Gives a socket of sock_diag(7) in the network namespace of pid, the caller's; -1:
 * there is none, or it may not be entered. */
int tcp_table_socket(pid_t pid);
/* Asks it for all sockets in these states. False: the kernel did not answer in full. */
bool tcp_table_ask(struct tcp_table *table, int sock_diag, unsigned states);
/* Reads what sock_diag says of one socket: an answer, or an event. False: it is of
 * something else. */
bool tcp_socket_read(struct tcp_socket *socket, const struct nlmsghdr *message);

/* The namespace is that of pid. Empty where it may not be read. */
void tcp_table_read(struct tcp_table *table, pid_t pid, unsigned states);
void tcp_table_done(struct tcp_table *table);

/* NULL: it is no TCP socket of this table. */
const struct tcp_socket *tcp_table_find(
	const struct tcp_table *table, unsigned long inode);

#endif

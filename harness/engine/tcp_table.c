#include "harness/engine/tcp_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/proc_file.h"

/* --- one socket --- */

static struct tcp_socket *add(struct tcp_table *table)
{
	/* The room doubles: it is full whenever the count is a power of two. */
	if ((table->count & (table->count - 1)) == 0)
		table->list = mem_grown(table->list,
			table->count ? (size_t)table->count * 2 : 1,
			sizeof *table->list);
	table->list[table->count] = (struct tcp_socket){0};
	return &table->list[table->count++];
}

static struct in6_addr address_of(const void *bytes, bool ipv6)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xFF, [11] = 0xFF}};

	if (ipv6)
		memcpy(&address, bytes, 16);
	else
		memcpy(&address.s6_addr[12], bytes, 4);
	return address;
}

/* An IPv4 address inside IPv6 is written as IPv4. */
static void name_peer(struct tcp_socket *socket, const struct in6_addr *peer)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (IN6_IS_ADDR_V4MAPPED(peer)) {
		inet_ntop(AF_INET, &peer->s6_addr[12], text, sizeof text);
		snprintf(socket->peer, sizeof socket->peer, "%s:%u", text,
			socket->peer_port);
	} else {
		inet_ntop(AF_INET6, peer, text, sizeof text);
		snprintf(socket->peer, sizeof socket->peer, "[%s]:%u", text,
			socket->peer_port);
	}
}

/* --- sock_diag --- */

static int open_diag(void)
{
	return socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

/* A socket belongs to the namespace in which it was made. */
int tcp_table_socket(pid_t pid)
{
	char ours[64], theirs[64], path[64];
	int back, there, fd = -1;

	if (!proc_file_link(pid, "ns/net", theirs, sizeof theirs) ||
		!proc_file_link(getpid(), "ns/net", ours, sizeof ours))
		return -1;
	if (strcmp(ours, theirs) == 0)
		return open_diag();
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (back >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = open_diag();
		if (setns(back, CLONE_NEWNET) != 0)
			abort(); /* in a namespace of somebody else's */
	}
	if (back >= 0)
		close(back);
	if (there >= 0)
		close(there);
	return fd;
}

/* Both families at once, as ss(8) does it: SOCK_DIAG_BY_FAMILY takes one, and for each
 * the kernel walks all connections of the machine, those in TIME-WAIT among them. */
static bool ask(int fd, unsigned states)
{
	const struct {
		struct nlmsghdr header;
		struct inet_diag_req request;
	} message = {
		.header = {.nlmsg_len = sizeof message,
			.nlmsg_type = TCPDIAG_GETSOCK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.idiag_ext = 1u << (INET_DIAG_INFO - 1),
			.idiag_states = states},
	};

	return send(fd, &message, sizeof message, 0) == sizeof message;
}

/* It has sent nothing yet, or its last data came later than its last data went. (The
 * times are in ms before now, counted in ticks of some ms.) */
static bool owes_answer(const struct tcp_info *info)
{
	return info->tcpi_bytes_received > 0 &&
		(info->tcpi_bytes_sent == 0 ||
			info->tcpi_last_data_recv < info->tcpi_last_data_sent);
}

static void read_info(
	struct tcp_socket *socket, const struct inet_diag_msg *answer, size_t len)
{
	const size_t needed = offsetof(struct tcp_info, tcpi_bytes_retrans) + 8;
	const struct rtattr *attribute = (const struct rtattr *)(answer + 1);
	size_t left = len - sizeof *answer;
	struct tcp_info info;

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type != INET_DIAG_INFO ||
			RTA_PAYLOAD(attribute) < needed)
			continue;
		memcpy(&info, RTA_DATA(attribute), needed);
		socket->received = info.tcpi_bytes_received;
		socket->sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
		socket->acked = info.tcpi_bytes_acked;
		socket->segments = info.tcpi_data_segs_in;
		socket->owes = owes_answer(&info);
	}
}

bool tcp_socket_read(struct tcp_socket *socket, const struct nlmsghdr *message)
{
	const struct inet_diag_msg *answer = NLMSG_DATA(message);
	size_t len = message->nlmsg_len - NLMSG_HDRLEN;
	struct in6_addr peer;
	bool ipv6;

	if ((message->nlmsg_type != TCPDIAG_GETSOCK &&
		    message->nlmsg_type != SOCK_DIAG_BY_FAMILY) ||
		len < sizeof *answer)
		return false;
	ipv6 = answer->idiag_family == AF_INET6;
	peer = address_of(answer->id.idiag_dst, ipv6);
	*socket = (struct tcp_socket){
		.inode = answer->idiag_inode,
		.state = answer->idiag_state,
		.ipv6 = ipv6,
		.address = address_of(answer->id.idiag_src, ipv6),
		.port = ntohs(answer->id.idiag_sport),
		.peer_port = ntohs(answer->id.idiag_dport),
		.unread = answer->idiag_rqueue,
		.unsent = answer->idiag_wqueue,
		.cookie = (uint64_t)answer->id.idiag_cookie[1] << 32 |
			answer->id.idiag_cookie[0],
	};
	read_info(socket, answer, len);
	name_peer(socket, &peer);
	return true;
}

/* False: the kernel has no sock_diag for this, or did not answer in full. */
static bool read_answers(struct tcp_table *table, int fd)
{
	char block[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct tcp_socket socket;
	ssize_t len;

	while ((len = recv(fd, block, sizeof block, 0)) > 0) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)(void *)block;

		for (; NLMSG_OK(header, (size_t)len);
			header = NLMSG_NEXT(header, len)) {
			if (header->nlmsg_type == NLMSG_DONE)
				return true;
			if (header->nlmsg_type == NLMSG_ERROR)
				return false;
			if (table->count < TCP_TABLE_MAX &&
				tcp_socket_read(&socket, header))
				*add(table) = socket;
		}
	}
	return false;
}

bool tcp_table_ask(struct tcp_table *table, int sock_diag, unsigned states)
{
	return ask(sock_diag, states) && read_answers(table, sock_diag);
}

static bool read_diag(struct tcp_table *table, pid_t pid, unsigned states)
{
	int fd = tcp_table_socket(pid);
	bool ok = fd >= 0 && tcp_table_ask(table, fd, states);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* --- /proc --- */

/* The kernel prints an address as words, each in host byte order. */
static bool parse_address(const char *hex, struct in6_addr *address, bool *ipv6)
{
	uint32_t words[4] = {0};
	size_t len = strlen(hex);

	if (len != 8 && len != 32)
		return false;
	for (size_t i = 0; i < len / 8; i++) {
		char word[9];

		snprintf(word, sizeof word, "%.8s", hex + i * 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	*ipv6 = len == 32;
	*address = address_of(words, *ipv6);
	return true;
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711" */
static void parse_row(struct tcp_table *table, const char *line, unsigned states)
{
	char own[40], other[40];
	struct tcp_socket socket = {0};
	struct in6_addr peer;
	unsigned state;

	if (sscanf(line,
		    " %*d: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %x:%x %*s %*s %*d %*d %lu",
		    own, &socket.port, other, &socket.peer_port, &state, &socket.unsent,
		    &socket.unread, &socket.inode) != 8 ||
		state > 31 || !(states >> state & 1) ||
		!parse_address(own, &socket.address, &socket.ipv6) ||
		!parse_address(other, &peer, &socket.ipv6))
		return;
	socket.state = (int)state;
	name_peer(&socket, &peer);
	*add(table) = socket;
}

static void read_file(
	struct tcp_table *table, pid_t pid, const char *name, unsigned states)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/net/%s", (int)pid, name);
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && table->count < TCP_TABLE_MAX && fgets(line, sizeof line, file))
		parse_row(table, line, states);
	if (file)
		fclose(file);
}

/* --- the table --- */

static int by_inode(const void *one, const void *other)
{
	unsigned long a = ((const struct tcp_socket *)one)->inode;
	unsigned long b = ((const struct tcp_socket *)other)->inode;

	return (a > b) - (a < b);
}

void tcp_table_read(struct tcp_table *table, pid_t pid, unsigned states)
{
	*table = (struct tcp_table){0};
	if (!read_diag(table, pid, states)) {
		table->count = 0;
		read_file(table, pid, "tcp", states);
		read_file(table, pid, "tcp6", states);
	}
	for (unsigned i = 0; i < table->count; i++) {
		const struct tcp_socket *socket = &table->list[i];

		if (socket->state == TCP_TABLE_LISTEN)
			table->listening[socket->port / 8 % sizeof table->listening] |=
				(uint8_t)(1u << socket->port % 8);
	}
	if (table->count > 0)
		qsort(table->list, table->count, sizeof *table->list, by_inode);
}

bool tcp_table_listens(const struct tcp_table *table, unsigned port)
{
	return port < 65536 && (table->listening[port / 8] >> port % 8 & 1);
}

void tcp_table_done(struct tcp_table *table)
{
	free(table->list);
	*table = (struct tcp_table){0};
}

const struct tcp_socket *tcp_table_find(
	const struct tcp_table *table, unsigned long inode)
{
	const struct tcp_socket key = {.inode = inode};

	return table->count
		? bsearch(&key, table->list, table->count, sizeof key, by_inode)
		: NULL;
}

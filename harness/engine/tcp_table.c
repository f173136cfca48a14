#include "harness/engine/tcp_table.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* The words of an address, as the kernel prints them: each in host byte order. */
static bool parse_address(const char *hex, uint32_t words[4], unsigned *count)
{
	size_t len = strlen(hex);

	if (len != 8 && len != 32)
		return false;
	*count = (unsigned)len / 8;
	for (unsigned i = 0; i < *count; i++) {
		char word[9];

		snprintf(word, sizeof word, "%.8s", hex + (size_t)i * 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	return true;
}

/* An IPv4 address inside IPv6 (::ffff:10.0.0.5) is written as IPv4. */
static void name_peer(struct tcp_socket *socket, const char *hex)
{
	char text[INET6_ADDRSTRLEN] = "?";
	uint32_t words[4] = {0};
	unsigned count = 0;
	bool ok = parse_address(hex, words, &count);
	bool mapped = ok && count == 4 && words[0] == 0 && words[1] == 0 &&
		words[2] == htonl(0xFFFF);

	if (ok && (count == 1 || mapped)) {
		inet_ntop(AF_INET, &words[mapped ? 3 : 0], text, sizeof text);
		snprintf(socket->peer, sizeof socket->peer, "%.39s:%u", text,
			socket->peer_port);
		return;
	}
	if (ok)
		inet_ntop(AF_INET6, words, text, sizeof text);
	snprintf(socket->peer, sizeof socket->peer, "[%.38s]:%u", text,
		socket->peer_port);
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711" */
static bool parse_row(struct tcp_socket *socket, const char *line)
{
	char address[40], peer[40];
	unsigned state;

	*socket = (struct tcp_socket){0};
	if (sscanf(line,
		    " %*d: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %x:%x %*s %*s %*d %*d %lu",
		    address, &socket->port, peer, &socket->peer_port, &state,
		    &socket->unsent, &socket->unread, &socket->inode) != 8)
		return false;
	socket->state = (int)state;
	name_peer(socket, peer);
	return true;
}

static void read_file(struct tcp_table *table, pid_t pid, const char *name)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/net/%s", (int)pid, name);
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && table->count < TCP_TABLE_MAX && fgets(line, sizeof line, file)) {
		/* The room doubles: it is full whenever the count is a power of two. */
		if ((table->count & (table->count - 1)) == 0)
			table->list = mem_grown(table->list,
				table->count ? (size_t)table->count * 2 : 1,
				sizeof *table->list);
		table->count += parse_row(&table->list[table->count], line);
	}
	if (file)
		fclose(file);
}

static int by_inode(const void *one, const void *other)
{
	unsigned long a = ((const struct tcp_socket *)one)->inode;
	unsigned long b = ((const struct tcp_socket *)other)->inode;

	return (a > b) - (a < b);
}

void tcp_table_read(struct tcp_table *table, pid_t pid)
{
	*table = (struct tcp_table){0};
	read_file(table, pid, "tcp");
	read_file(table, pid, "tcp6");
	if (table->count > 0)
		qsort(table->list, table->count, sizeof *table->list, by_inode);
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

	return table->count ? bsearch(&key, table->list, table->count, sizeof key,
				      by_inode)
			    : NULL;
}

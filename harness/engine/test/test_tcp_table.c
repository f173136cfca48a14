#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/engine/tcp_table.h"
#include "lib/cc.h"

/* A connection over loopback, with both of its ends here. */
struct connection {
	int listener, client, server;
	unsigned port, client_port;
};

static unsigned port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof address;

	/* The port is at the same place in both families. */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin6_port);
}

/* Any address of the family: over IPv6 IPv4 clients come, too. False: no IPv6. */
static bool listen_on(struct connection *connection, int family)
{
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	int off = 0;

	connection->client = connection->server = -1;
	connection->listener = socket(family, SOCK_STREAM, 0);
	if (connection->listener < 0)
		return false;
	if (family == AF_INET6) {
		setsockopt(connection->listener, IPPROTO_IPV6, IPV6_V6ONLY, &off,
			sizeof off);
		if (bind(connection->listener, (const struct sockaddr *)&v6,
			    sizeof v6) != 0)
			return false;
	} else {
		assert_int_equal(bind(connection->listener,
					 (const struct sockaddr *)&v4, sizeof v4),
			0);
	}
	assert_int_equal(listen(connection->listener, 5), 0);
	connection->port = port_of(connection->listener);
	return true;
}

static bool connect_over(struct connection *connection, int family)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)connection->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)connection->port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};

	connection->client = socket(family, SOCK_STREAM, 0);
	if (connect(connection->client,
		    family == AF_INET ? (const struct sockaddr *)&v4
				      : (const struct sockaddr *)&v6,
		    family == AF_INET ? sizeof v4 : sizeof v6) != 0)
		return false;
	connection->client_port = port_of(connection->client);
	connection->server = accept(connection->listener, NULL, NULL);
	assert_true(connection->server >= 0);
	return true;
}

static void close_all(const struct connection *connection)
{
	close(connection->server);
	close(connection->client);
	close(connection->listener);
}

/* As it is now; zeroed: it is in no table. */
static struct tcp_socket look_at(int fd)
{
	SCOPED(tcp_table_done) struct tcp_table table;
	const struct tcp_socket *found;
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	tcp_table_read(&table, getpid(), TCP_TABLE_LISTENING | TCP_TABLE_CONNECTED);
	found = tcp_table_find(&table, (unsigned long)stat.st_ino);
	return found ? *found : (struct tcp_socket){0};
}

static void expect_peer(
	const struct tcp_socket *socket, const char *host, unsigned port)
{
	char peer[64];

	snprintf(peer, sizeof peer, "%s:%u", host, port);
	assert_string_equal(socket->peer, peer);
	assert_int_equal(socket->peer_port, port);
}

static void both_ends_of_a_connection_are_known(void **state UNUSED)
{
	struct connection connection;
	struct tcp_socket found;

	assert_true(listen_on(&connection, AF_INET));
	assert_true(connect_over(&connection, AF_INET));
	found = look_at(connection.listener);
	assert_int_equal(found.state, TCP_TABLE_LISTEN);
	assert_int_equal(found.port, connection.port);
	found = look_at(connection.server);
	assert_int_equal(found.state, TCP_TABLE_ESTABLISHED);
	assert_int_equal(found.port, connection.port);
	expect_peer(&found, "127.0.0.1", connection.client_port);
	found = look_at(connection.client);
	assert_int_equal(found.port, connection.client_port);
	expect_peer(&found, "127.0.0.1", connection.port);
	close_all(&connection);
}

static bool has_netlink = true;

static void bytes_that_nobody_read_are_counted(void **state UNUSED)
{
	static char block[1 << 16];
	struct connection connection;
	struct tcp_socket server, client;

	assert_true(listen_on(&connection, AF_INET));
	assert_true(connect_over(&connection, AF_INET));
	assert_int_equal(send(connection.client, block, 5, 0), 5);
	server = look_at(connection.server);
	assert_int_equal(server.unread, 5);
	assert_int_equal(server.owes, has_netlink);
	assert_int_equal(server.unsent, 0);
	/* Until the other end takes no more. */
	while (send(connection.client, block, sizeof block, MSG_DONTWAIT) > 0)
		;
	server = look_at(connection.server);
	client = look_at(connection.client);
	assert_true(client.unsent > 0);
	assert_true(server.unread > 5);
	assert_int_equal(client.unread, 0);
	close_all(&connection);
}

static void a_connection_that_its_peer_closed_is_told_as_such(void **state UNUSED)
{
	struct connection connection;
	struct tcp_socket found;

	assert_true(listen_on(&connection, AF_INET));
	assert_true(connect_over(&connection, AF_INET));
	shutdown(connection.client, SHUT_WR);
	found = look_at(connection.server);
	assert_int_equal(found.state, TCP_TABLE_CLOSE_WAIT);
	close_all(&connection);
}

static void peers_over_ipv6_are_written_as_they_are(void **state UNUSED)
{
	struct connection connection;
	struct tcp_socket found;

	if (!listen_on(&connection, AF_INET6)) {
		print_message("no IPv6: %s\n", strerror(errno));
		skip();
	}
	if (!connect_over(&connection, AF_INET6)) {
		print_message("no IPv6 over loopback: %s\n", strerror(errno));
		skip();
	}
	found = look_at(connection.server);
	assert_int_equal(found.state, TCP_TABLE_ESTABLISHED);
	expect_peer(&found, "[::1]", connection.client_port);
	close(connection.server);
	close(connection.client);
	/* An IPv4 client of the same socket. */
	assert_true(connect_over(&connection, AF_INET));
	found = look_at(connection.server);
	expect_peer(&found, "127.0.0.1", connection.client_port);
	close_all(&connection);
}

static void what_is_no_tcp_socket_is_in_no_table(void **state UNUSED)
{
	SCOPED(tcp_table_done) struct tcp_table table;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(look_at(ends[0]).inode, 0);
	close(ends[0]);
	close(ends[1]);
	tcp_table_read(&table, -1, TCP_TABLE_CONNECTED);
	assert_int_equal(table.count, 0);
	assert_null(tcp_table_find(&table, 1));
}

static void only_the_states_that_are_asked_for_are_there(void **state UNUSED)
{
	SCOPED(tcp_table_done) struct tcp_table table;
	struct connection connection;

	assert_true(listen_on(&connection, AF_INET));
	assert_true(connect_over(&connection, AF_INET));
	tcp_table_read(&table, getpid(), TCP_TABLE_LISTENING);
	assert_true(table.count > 0);
	for (unsigned i = 0; i < table.count; i++)
		assert_int_equal(table.list[i].state, TCP_TABLE_LISTEN);
	close_all(&connection);
}

/* From now on socket(2) makes no socket of netlink: the tables of /proc are read. */
static void forbid_netlink(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {COUNT(filter), filter};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	assert_int_equal(socket(AF_NETLINK, SOCK_DGRAM, 0), -1);
}

int main(void)
{
	int failed;

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_of_a_connection_are_known),
		cmocka_unit_test(bytes_that_nobody_read_are_counted),
		cmocka_unit_test(a_connection_that_its_peer_closed_is_told_as_such),
		cmocka_unit_test(peers_over_ipv6_are_written_as_they_are),
		cmocka_unit_test(only_the_states_that_are_asked_for_are_there),
		cmocka_unit_test(what_is_no_tcp_socket_is_in_no_table),
	};

	failed = cmocka_run_group_tests_name(
		"tcp_table by sock_diag", tests, NULL, NULL);
	forbid_netlink();
	has_netlink = false;
	return failed +
		cmocka_run_group_tests_name("tcp_table of /proc", tests, NULL, NULL);
}

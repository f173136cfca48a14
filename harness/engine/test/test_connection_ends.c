#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/engine/connection_ends.h"
#include "lib/cc.h"
#include "lib/mem.h"

/* A server with a client, which has sent a request that the server has read; and the
 * watch. */
struct watched {
	uv_loop_t loop;
	int listener, client, server;
	struct connection_ends *ends;
	struct connection_end *end; /* when the watch is over */
};

static const char request[] = "GET / HTTP/1.1";

static void connect_over_loopback(struct watched *watched)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	watched->listener = socket(AF_INET, SOCK_STREAM, 0);
	watched->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(watched->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(watched->listener, 1), 0);
	assert_int_equal(
		getsockname(watched->listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(
		connect(watched->client, (struct sockaddr *)&address, size), 0);
	watched->server = accept(watched->listener, NULL, NULL);
	assert_true(watched->server >= 0);
	assert_int_equal(
		send(watched->client, request, sizeof request, 0), sizeof request);
}

static unsigned port_of(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

/* By both ports: connections to other servers may have the client's as well. */
static struct tcp_socket find_server(const struct watched *watched)
{
	SCOPED(tcp_table_done) struct tcp_table table;
	unsigned port = port_of(watched->listener),
		 peer_port = port_of(watched->client);

	tcp_table_read(&table, getpid(), TCP_TABLE_CONNECTED);
	for (unsigned i = 0; i < table.count; i++) {
		if (table.list[i].port == port && table.list[i].peer_port == peer_port)
			return table.list[i];
	}
	fail_msg("the connection is not in the table");
	return (struct tcp_socket){0};
}

static int set_up(void **state)
{
	struct watched *watched = mem_zeroed(sizeof *watched);
	struct tcp_socket server;
	struct err err;

	uv_loop_init(&watched->loop);
	connect_over_loopback(watched);
	server = find_server(watched);
	if (server.cookie) /* there is sock_diag here */
		watched->ends = connection_ends_open(
			&watched->loop, getpid(), &server, 1, &err);
	*state = watched;
	return 0;
}

static int tear_down(void **state)
{
	struct watched *watched = *state;

	if (watched->ends && !watched->end)
		watched->end = connection_ends_close(watched->ends);
	close(watched->client);
	close(watched->server);
	close(watched->listener);
	uv_run(&watched->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&watched->loop), 0);
	free(watched->end);
	free(watched);
	return 0;
}

static struct watched *watched_of(void **state)
{
	struct watched *watched = *state;

	if (!watched->ends)
		skip();
	return watched;
}

static void read_request(const struct watched *watched)
{
	char text[64];

	assert_int_equal(recv(watched->server, text, sizeof text, 0), sizeof request);
}

static void close_server(struct watched *watched)
{
	close(watched->server);
	watched->server = -1;
	watched->end = connection_ends_close(watched->ends);
}

static void an_answer_that_arrived_is_whole(void **state)
{
	struct watched *watched = watched_of(state);

	read_request(watched);
	assert_int_equal(send(watched->server, "200 OK", 6, 0), 6);
	close_server(watched);
	assert_true(watched->end->destroyed);
	assert_int_equal(watched->end->before.sent, 0);
	assert_int_equal(watched->end->after.sent, 6);
	assert_int_equal(watched->end->after.received, sizeof request);
	assert_true(connection_end_is_whole(watched->end));
}

static void a_request_that_was_not_read_is_told(void **state)
{
	struct watched *watched = watched_of(state);

	close_server(watched);
	assert_true(watched->end->destroyed);
	assert_int_equal(watched->end->after.unread, sizeof request);
	assert_int_equal(watched->end->after.sent, 0);
	assert_false(connection_end_is_whole(watched->end));
}

static void what_the_peer_does_not_take_is_still_to_be_sent(void **state)
{
	static char block[1 << 16];
	struct watched *watched = watched_of(state);

	read_request(watched);
	while (send(watched->server, block, sizeof block, MSG_DONTWAIT) > 0)
		;
	close_server(watched);
	assert_false(watched->end->destroyed);
	assert_false(watched->end->unknown);
	assert_true(watched->end->after.unsent > 0);
	assert_false(watched->end->cut_off); /* loopback is there */
	assert_false(connection_end_is_whole(watched->end));
}

static void a_connection_that_stays_is_open(void **state)
{
	struct watched *watched = watched_of(state);

	watched->end = connection_ends_close(watched->ends);
	assert_false(watched->end->destroyed);
	assert_false(watched->end->unknown);
	assert_int_equal(watched->end->after.state, TCP_TABLE_ESTABLISHED);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(an_answer_that_arrived_is_whole),
		SCENE(a_request_that_was_not_read_is_told),
		SCENE(what_the_peer_does_not_take_is_still_to_be_sent),
		SCENE(a_connection_that_stays_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/port_owner.h"
#include "lib/cc.h"

#define PORT 8080 /* free in a new network namespace */

static void listen_on(int family)
{
	const struct sockaddr_in ipv4 = {
		.sin_family = AF_INET, .sin_port = htons(PORT)};
	const struct sockaddr_in6 ipv6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	const struct sockaddr *address = family == AF_INET
		? (const struct sockaddr *)&ipv4
		: (const struct sockaddr *)&ipv6;
	socklen_t len = family == AF_INET ? sizeof ipv4 : sizeof ipv6;
	const int yes = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0)
		_exit(10);
	if (bind(fd, address, len) != 0 || listen(fd, 1) != 0)
		_exit(10);
}

static pid_t start_listener(int family)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		_exit(10);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		listen_on(family);
		if (write(ready[1], "r", 1) != 1)
			_exit(10);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		_exit(10);
	return pid;
}

/* Is the subject's listener the one of 127.0.0.1, beside another program's? */
static bool owns(int subject_family, int other_family)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = {0};
		pid_t subject;

		if (unshare(CLONE_NEWNET) != 0)
			_exit(77);
		subject = start_listener(subject_family);
		start_listener(other_family);
		_exit(port_owner_is_in_tree(subject, PORT, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_in_range(WEXITSTATUS(status), 0, 1);
	return WEXITSTATUS(status) == 0;
}

static void port_owner_prefers_ipv4_as_the_kernel_does(void **state UNUSED)
{
	assert_true(owns(AF_INET, AF_INET6));
	assert_false(owns(AF_INET6, AF_INET));
}

static bool has_read(int port)
{
	return port_owner_has_read(getpid(), "127.0.0.1", port);
}

/* Neither a connection that nobody has accepted nor bytes that nobody has read. */
static void port_owner_sees_what_was_not_read_yet(void **state UNUSED)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server, port;
	char byte;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 4), 0);
	getsockname(listener, (struct sockaddr *)&address, &len);
	port = ntohs(address.sin_port);
	assert_true(has_read(port));
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	assert_false(has_read(port));
	server = accept(listener, NULL, NULL);
	assert_true(has_read(port));
	assert_int_equal(write(client, "x", 1), 1);
	assert_false(has_read(port));
	/* Its acknowledgement is delayed. */
	assert_int_equal(read(server, &byte, 1), 1);
	assert_true(has_read(port));
	close(server);
	close(client);
	close(listener);
}

/* A namespace without the server's end stands for a backlog without room: the client's
 * end alone is established. */
static void port_owner_sees_what_the_server_has_not_got(void **state UNUSED)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ready[2], port, server;
	char byte = 'n';
	pid_t elsewhere;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 4), 0);
	getsockname(listener, (struct sockaddr *)&address, &len);
	port = ntohs(address.sin_port);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	server = accept(listener, NULL, NULL);
	assert_true(has_read(port));
	assert_int_equal(pipe(ready), 0);
	elsewhere = fork();
	if (elsewhere == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
		if (write(ready[1], &byte, 1) != 1)
			_exit(10);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	if (byte == 'y') {
		assert_false(port_owner_has_read(elsewhere, "127.0.0.1", port));
		assert_true(port_owner_has_read(elsewhere, "127.0.0.2", port));
	}
	kill(elsewhere, SIGKILL);
	waitpid(elsewhere, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	close(server);
	close(client);
	close(listener);
	if (byte != 'y')
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_owner_sees_what_was_not_read_yet),
		cmocka_unit_test(port_owner_sees_what_the_server_has_not_got),
		cmocka_unit_test(port_owner_prefers_ipv4_as_the_kernel_does),
	};

	return cmocka_run_group_tests_name("port_owner", tests, NULL, NULL);
}

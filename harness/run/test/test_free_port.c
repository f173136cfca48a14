#include "harness/run/free_port.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST 20000
#define COUNT 12000

static void a_held_port_is_not_given_again(void **state)
{
	struct free_port one, other;
	int port;

	(void)state;
	assert_true(free_port_take(&one, FIRST, COUNT));
	port = one.port;
	assert_in_range(port, FIRST, FIRST + COUNT - 1);
	assert_false(free_port_take(&other, port, 1));
	assert_int_equal(other.port, 0);
	free_port_done(&other);

	free_port_done(&one);
	free_port_done(&one);
	assert_true(free_port_take(&other, port, 1));
	assert_int_equal(other.port, port);
	free_port_done(&other);
}

static void a_port_that_is_open_is_not_given(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct free_port one;

	(void)state;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	assert_return_code(listen(fd, 1), 0);
	assert_false(free_port_take(&one, ntohs(address.sin_port), 1));
	close(fd);
}

/* The service may bind it as it likes. */
static void a_held_port_can_be_opened(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct free_port one;

	(void)state;
	assert_true(free_port_take(&one, FIRST, COUNT));
	address.sin_port = htons((uint16_t)one.port);
	assert_return_code(
		bind(fd, (struct sockaddr *)&address, (socklen_t)sizeof address), 0);
	assert_return_code(listen(fd, 1), 0);
	close(fd);
	free_port_done(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_held_port_is_not_given_again),
		cmocka_unit_test(a_port_that_is_open_is_not_given),
		cmocka_unit_test(a_held_port_can_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

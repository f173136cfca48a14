#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/health_probe.h"
#include "lib/mem.h"

#define PATIENCE_NS (20 * CLOCK_S)

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* Answers one request, in two pieces. */
static void serve(int listener, const char *answer)
{
	char request[1024];
	int fd = accept(listener, NULL, NULL);
	size_t half = strlen(answer) / 2;

	if (recv(fd, request, sizeof request, 0) > 0) {
		(void)!write(fd, answer, half);
		(void)!write(fd, answer + half, strlen(answer) - half);
	}
	close(fd);
	_exit(0);
}

static void probe_says_what_it_was_told(void **state UNUSED)
{
	static const struct {
		const char *answer;
		const char *why; /* NULL: healthy */
	} rows[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", NULL},
		{"HTTP/1.0 200\r\n\r\n", NULL},
		{"HTTP/1.1 503 Draining\r\n\r\n", "it answered with status 503"},
		{"HTTP/1.1 2000 What\r\n\r\n", "status 2000"},
		{"SSH-2.0-OpenSSH_9.2\r\n", "it did not answer in HTTP"},
		{"HTTP\r\n", "it did not answer in HTTP"},
		{"", "it did not answer in HTTP"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *where = NULL;
		struct err err = {0};
		uint16_t port;
		int listener = listen_somewhere(&port);
		pid_t child = fork();
		bool healthy;

		if (child == 0)
			serve(listener, rows[i].answer);
		where = mem_textf("http://127.0.0.1:%u", port);
		healthy = health_probe("", where, PATIENCE_NS, &err);
		assert_int_equal(healthy, rows[i].why == NULL);
		if (rows[i].why && !strstr(err.text, rows[i].why))
			fail_msg("%s: %s", rows[i].answer, err.text);
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(listener);
	}
}

/* The kernel accepts, and nobody answers. */
static void probe_does_not_wait_for_ever(void **state UNUSED)
{
	SCOPED(mem_free) char *where = NULL;
	struct err err = {0};
	uint16_t port;
	int listener = listen_somewhere(&port);

	where = mem_textf("%u", port);
	assert_false(health_probe("0.0.0.0", where, 50 * CLOCK_MS, &err));
	assert_non_null(strstr(err.text, "http://127.0.0.1:"));
	assert_non_null(strstr(err.text, "wait for an answer: "));
	close(listener);
}

static void probe_refuses_what_is_no_place(void **state UNUSED)
{
	static const char *const places[] = {
		"",
		"-1",
		"https://127.0.0.1:1",
		"http://",
		"http://:80",
		"http://[::1",
		"http://x:",
		"http://x:port",
		"http://x?y",
	};

	for (unsigned i = 0; i < COUNT(places); i++) {
		struct err err = {0};

		assert_false(health_probe("127.0.0.1", places[i], PATIENCE_NS, &err));
		assert_true(err.text[0]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_says_what_it_was_told),
		cmocka_unit_test(probe_does_not_wait_for_ever),
		cmocka_unit_test(probe_refuses_what_is_no_place),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("health probe", tests, NULL, NULL);
}

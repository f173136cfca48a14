#include "lib/lifeline.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "test/support/temp_dir.h"

static const struct lifeline_who agent = {.role = "agent"};
static const struct lifeline_who skills = {
	.role = "mcp",
	.name = "skills",
	.session = "2",
};

/* A ledger that listens on a socket in a folder of its own. */
struct lifeline_scene {
	char *folder;
	struct sockaddr_un at;
	char address[128];
	int listener;
};

static int open_scene(void **state)
{
	struct lifeline_scene *scene = calloc(1, sizeof *scene);

	if (!scene)
		return -1;
	*state = scene;
	unsetenv(LIFELINE_ENV);
	scene->folder = temp_dir_create();
	scene->at.sun_family = AF_UNIX;
	snprintf(scene->at.sun_path, sizeof scene->at.sun_path, "%s/ledger",
		scene->folder);
	snprintf(scene->address, sizeof scene->address, "unix:%s", scene->at.sun_path);
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(scene->listener, (struct sockaddr *)&scene->at, sizeof scene->at) != 0)
		return -1;
	return listen(scene->listener, 8);
}

static int close_scene(void **state)
{
	struct lifeline_scene *scene = *state;

	log_to(STDERR_FILENO);
	unsetenv(LIFELINE_ENV);
	close(scene->listener);
	temp_dir_remove(scene->folder);
	free(scene);
	return 0;
}

/* All that came in over the next connection, to its end. */
static const char *read_connection(int listener, struct buf *text)
{
	int line = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char block[1024];
	ssize_t len;

	assert_true(line >= 0);
	buf_clear(text);
	while ((len = read(line, block, sizeof block)) > 0)
		assert_true(buf_add(text, block, (size_t)len));
	assert_int_equal(len, 0);
	close(line);
	return buf_text(text);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static void lifeline_says_who_it_is(void **state)
{
	struct lifeline_scene *scene = *state;
	SCOPED(buf_done) struct buf text = {0};
	struct err err;
	struct timeval bound = {1, 1};
	socklen_t len = sizeof bound;
	char ppid[32];
	int fd = -1;

	assert_true(lifeline_connect(&fd, scene->address, &skills, &err));
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, &len), 0);
	assert_true(
		bound.tv_sec == 0 && bound.tv_usec == 0); /* only connecting has one */
	close(fd);
	read_connection(scene->listener, &text);
	assert_int_equal(count_lines(buf_text(&text)), 1);
	assert_non_null(strstr(text.data,
		"\"event\":\"process.start\",\"role\":\"mcp\",\"name\":\"skills\",\"session\":\"2\""));
	snprintf(ppid, sizeof ppid, ",\"ppid\":%d}", (int)getppid());
	assert_non_null(strstr(text.data, ppid));
}

static void lifeline_takes_the_log_along(void **state)
{
	struct lifeline_scene *scene = *state;
	SCOPED(buf_done) struct buf text = {0};
	struct err err;
	int fd = -1;

	assert_true(lifeline_connect(&fd, scene->address, &agent, &err));
	log_event("session.opened", "id", LOG_INT(1));
	lifeline_exit(3);
	close(fd);
	read_connection(scene->listener, &text);
	assert_int_equal(count_lines(buf_text(&text)), 3);
	assert_non_null(strstr(text.data, "\"name\":null,\"session\":null"));
	assert_non_null(strstr(text.data, "\"event\":\"session.opened\",\"id\":1}\n"));
	assert_non_null(strstr(text.data, "\"event\":\"process.exit\",\"code\":3}\n"));
}

static void lifeline_finds_its_address_in_the_environment(void **state)
{
	struct lifeline_scene *scene = *state;
	SCOPED(buf_done) struct buf text = {0};
	struct err err;
	int fd = -1;

	setenv(LIFELINE_ENV, scene->address, 1);
	assert_true(lifeline_connect(&fd, NULL, &agent, &err));
	close(fd);
	assert_non_null(
		strstr(read_connection(scene->listener, &text), "process.start"));
}

static void lifeline_prefers_the_address_that_it_was_given(void **state)
{
	struct lifeline_scene *scene = *state;
	struct err err;
	int fd = -1;

	setenv(LIFELINE_ENV, "unix:/nowhere/at/all", 1);
	assert_true(lifeline_connect(&fd, scene->address, &agent, &err));
	close(fd);
}

/* In a child, whose stderr is the test's to read. */
static void check_alone(const char *in_environment)
{
	SCOPED(buf_done) struct buf text = {0};
	char block[1024];
	int ends[2], status;
	ssize_t len;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		struct err err;
		int fd = 77;

		dup2(ends[1], STDERR_FILENO);
		if (in_environment)
			setenv(LIFELINE_ENV, in_environment, 1);
		if (!lifeline_connect(&fd, NULL, &agent, &err))
			_exit(1);
		lifeline_exit(0);
		_exit(fd == -1 ? 0 : 2);
	}
	close(ends[1]);
	while ((len = read(ends[0], block, sizeof block)) > 0)
		buf_add(&text, block, (size_t)len);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(count_lines(buf_text(&text)), 2);
	assert_non_null(strstr(text.data, "process.start"));
	assert_non_null(strstr(text.data, "process.exit"));
}

static void lifeline_stays_on_stderr_without_a_harness(void **state UNUSED)
{
	check_alone(NULL);
	check_alone("");
}

static void check_tcp(int reaper, const char *host)
{
	SCOPED(buf_done) struct buf text = {0};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bool six = reaper == AF_INET6;
	struct sockaddr *bound = six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = six ? sizeof v6 : sizeof v4;
	int listener = socket(reaper, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char address[64];
	struct err err;
	int fd = -1;

	if (listener < 0 || bind(listener, bound, len) != 0) {
		assert_true(six); /* a machine may do without IPv6 */
		if (listener >= 0)
			close(listener);
		return;
	}
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, bound, &len), 0);
	snprintf(address, sizeof address, "tcp:%s:%u", host,
		ntohs(six ? v6.sin6_port : v4.sin_port));
	if (!lifeline_connect(&fd, address, &agent, &err))
		fail_msg("%s", err.text);
	close(fd);
	assert_non_null(strstr(read_connection(listener, &text), "process.start"));
	close(listener);
}

static void lifeline_reaches_a_ledger_over_tcp(void **state UNUSED)
{
	check_tcp(AF_INET, "127.0.0.1");
	check_tcp(AF_INET6, "[::1]");
}

static void lifeline_says_why_it_cannot_connect(void **state)
{
	static const struct {
		const char *address;
		const char *told;
	} rows[] = {
		{"/run/ledger",
			"ledger /run/ledger: expected unix:/path or tcp:host:port"},
		{"tcp:", "expected unix:/path or tcp:host:port"},
		{"tcp:host", "expected unix:/path or tcp:host:port"},
		{"tcp:host:", "expected unix:/path or tcp:host:port"},
		{"tcp::80", "expected unix:/path or tcp:host:port"},
		{"unix:", "a socket's path has 1 to 107 bytes, this one 0"},
		{"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"this one 108"},
		{"unix:/nowhere/at/all",
			"ledger unix:/nowhere/at/all: connect: No such file or directory"},
		{"tcp:127.0.0.1:none-such", "find 127.0.0.1: Servname not supported"},
	};
	SCOPED(buf_done) struct buf text = {0};
	struct lifeline_scene *scene = *state;
	int fd = -1, kept = 77;
	struct err err;

	assert_true(lifeline_connect(&fd, scene->address, &agent, &err));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(lifeline_connect(&kept, rows[i].address, &agent, &err));
		if (!strstr(err.text, rows[i].told))
			fail_msg("%s: %s", rows[i].address, err.text);
		assert_int_equal(kept, 77);
	}
	log_event("still.here");
	close(fd);
	read_connection(scene->listener, &text);
	assert_non_null(strstr(text.data, "still.here"));
	assert_int_equal(count_lines(text.data), 2);
}

static void lifeline_leaves_no_descriptor_behind_when_refused(void **state)
{
	struct lifeline_scene *scene = *state;
	int before = dup(0), after, fd;
	struct err err;

	close(before);
	close(scene->listener);
	for (int i = 0; i < 3; i++) {
		assert_false(lifeline_connect(&fd, scene->address, &agent, &err));
		assert_non_null(strstr(err.text, "Connection refused"));
	}
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void lifeline_ends_without_a_last_line_when_killed(void **state)
{
	struct lifeline_scene *scene = *state;
	SCOPED(buf_done) struct buf text = {0};
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct err err;
		int fd;

		if (!lifeline_connect(&fd, scene->address, &agent, &err))
			_exit(1);
		log_event("last.words");
		raise(SIGKILL);
	}
	read_connection(scene->listener,
		&text); /* ends: the kernel has closed the connection */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(text.data, "last.words"));
	assert_null(strstr(text.data, "process.exit"));
}

/* Connections that nobody accepts, until one more would have to wait. Takes the room
 * for count of them; gives the number. */
static int fill_backlog(struct lifeline_scene *scene, int *lines, int count)
{
	int i = 0;

	assert_int_equal(listen(scene->listener, 0), 0);
	for (; i < count; i++) {
		int flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

		lines[i] = socket(AF_UNIX, flags, 0);
		if (connect(lines[i], (struct sockaddr *)&scene->at,
			    sizeof scene->at) != 0)
			break;
	}
	assert_true(i < count);
	assert_int_equal(errno, EAGAIN);
	close(lines[i]);
	return i;
}

static void lifeline_gives_up_on_a_ledger_that_never_accepts(void **state)
{
	struct lifeline_scene *scene = *state;
	int lines[8], count = fill_backlog(scene, lines, COUNT(lines)), fd = 77;
	int64_t start = clock_now();
	struct err err;

	assert_false(lifeline_connect(&fd, scene->address, &agent, &err));
	assert_true(clock_now() - start >= 49 * CLOCK_S / 10);
	assert_true(clock_now() - start <= 30 * CLOCK_S);
	assert_non_null(strstr(err.text, "Connection timed out"));
	assert_int_equal(fd, 77);
	while (count-- > 0)
		close(lines[count]);
}

/* Globals, because a signal handler has no argument. */
static volatile sig_atomic_t alarms;
static volatile sig_atomic_t alarm_listener;

static void on_alarm(int number UNUSED)
{
	int saved = errno;

	if (++alarms == 3)
		close(accept(alarm_listener, NULL, NULL));
	errno = saved;
}

static void lifeline_continues_to_connect_after_a_signal(void **state)
{
	struct lifeline_scene *scene = *state;
	int lines[8], count = fill_backlog(scene, lines, COUNT(lines)), fd = -1;
	struct sigaction action = {.sa_handler = on_alarm}, before;
	struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
	struct err err = {0};
	bool connected;

	alarms = 0;
	alarm_listener = scene->listener;
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	connected = lifeline_connect(&fd, scene->address, &agent, &err);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	if (!connected)
		fail_msg("%s", err.text);
	assert_true(alarms >= 3);
	close(fd);
	while (count-- > 0)
		close(lines[count]);
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(lifeline_says_who_it_is),
		SCENE_TEST(lifeline_takes_the_log_along),
		SCENE_TEST(lifeline_finds_its_address_in_the_environment),
		SCENE_TEST(lifeline_prefers_the_address_that_it_was_given),
		SCENE_TEST(lifeline_stays_on_stderr_without_a_harness),
		SCENE_TEST(lifeline_reaches_a_ledger_over_tcp),
		SCENE_TEST(lifeline_says_why_it_cannot_connect),
		SCENE_TEST(lifeline_leaves_no_descriptor_behind_when_refused),
		SCENE_TEST(lifeline_ends_without_a_last_line_when_killed),
		SCENE_TEST(lifeline_gives_up_on_a_ledger_that_never_accepts),
		SCENE_TEST(lifeline_continues_to_connect_after_a_signal),
	};

	return cmocka_run_group_tests_name("lifeline", tests, NULL, NULL);
}

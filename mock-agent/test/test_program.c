#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/web_listen.h"
#include "mock-agent/test/mock_program.h"

#define CROWD       1200
#define DESCRIPTORS 8192

/* Runs it to its end: its exit code, and what it added to stderr. */
static int run(const char *arg, struct buf *errors)
{
	struct program_output output =
		program_run((const char *const[]){"mock-agent", arg, NULL});

	buf_adds(errors, output.err);
	program_output_done(&output);
	return output.code;
}

static void bad_usage_is_reported_before_anything_starts(void **state UNUSED)
{
	static const struct {
		const char *arg;
		int code;
		const char *words;
	} rows[] = {
		{"--version", 0, ""},
		{"--port=70000", 2, "65535"},
		{"--soup", 2, "soup"},
		{"--seed=seven", 2, "seven"},
		{"--seed=-1", 2, "expected a whole number of at least 0"},
		{"--behavior={\"chunks\": 0}", 2, "--behavior:1:2: "},
		{"--behavior=[]", 2, "--behavior:1:1: expected an object"},
		{"--behavior=", 2, "--behavior:1:1: expected a value"},
		{"--behavior=/nowhere/at/all.json", 2, "/nowhere/at/all.json"},
		{"--host=not an address", 3, "not an address"},
		{"--ledger=unix:/nowhere/at/all", 3, "/nowhere/at/all"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf said = {0};
		int code = run(rows[i].arg, &said);

		if (code != rows[i].code || !strstr(buf_text(&said), rows[i].words))
			fail_msg("%s: %d: %s", rows[i].arg, code, buf_text(&said));
	}
}

/* Shells set HOST, and others SEED. */
static void variables_without_the_prefix_are_ignored(void **state UNUSED)
{
	static const char *const names[] = {"HOST", "PORT", "SEED", "BEHAVIOR", "KEY"};
	struct mock_program mock;

	for (unsigned i = 0; i < COUNT(names); i++)
		setenv(names[i], "myhost.local", 1);
	setenv("MOCK_AGENT_BEHAVIOR", "{", 1); /* its own, and the flag wins */
	mock_start(&mock, "{}");
	mock_stop(&mock);
	for (unsigned i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	unsetenv("MOCK_AGENT_BEHAVIOR");
}

static void signal_ends_it_at_once_with_open_connections(void **state UNUSED)
{
	static const int signals[] = {SIGTERM, SIGINT};

	for (unsigned i = 0; i < COUNT(signals); i++) {
		struct mock_program mock;
		SCOPED(mem_free) char *id = NULL;
		SCOPED(mem_free) char *path = NULL;
		struct http_client stream, archive;
		int64_t began_ns;

		mock_start(&mock, "{\"disconnect\": {\"latency\": \"1h\"}}");
		id = mock_open_session(&mock, 1);
		path = session_path(id, "/archive");
		mock_open_stream(&mock, &stream, id);
		http_open(&archive, mock.port);
		mock_send(&archive, "POST", path, NULL);
		mock_wait_event(&mock, "agent.disconnect.begin");
		began_ns = clock_now();
		kill(mock.program.pid, signals[i]);
		assert_non_null(strstr(
			mock_wait_event(&mock, "agent.stream.closed"), "server"));
		assert_int_equal(
			event_int(mock_wait_event(&mock, "process.exit"), "code"), 0);
		assert_int_equal(mock_wait(&mock), 0);
		assert_true(clock_now() - began_ns < 5 * CLOCK_S);
		http_close(&stream);
		http_close(&archive);
		mock_stop(&mock);
	}
}

static void closed_ledger_ends_it(void **state UNUSED)
{
	struct mock_program mock;

	mock_start(&mock, "{}");
	ledger_reader_close(mock.ledger);
	assert_int_equal(mock_wait(&mock), 0);
	mock_stop(&mock);
}

static void health_is_asked_by_the_program_itself(void **state UNUSED)
{
	struct mock_program mock;
	SCOPED(buf_done) struct buf said = {0};
	SCOPED(mem_free) char *port = NULL;
	SCOPED(mem_free) char *url = NULL;

	mock_start(&mock, "{}");
	port = mem_textf("--health=%u", mock.port);
	url = mem_textf("--health=http://127.0.0.1:%u", mock.port);
	assert_int_equal(run(port, &said), 0);
	assert_int_equal(run(url, &said), 0);
	assert_int_equal(
		said.len, 0); /* it leaves no trace, in a ledger least of all */
	mock_control(&mock, "POST", "/control/listen", "{\"accept\":false}");
	http_wait_refused(mock.port);
	assert_int_equal(run(port, &said), 1);
	assert_non_null(strstr(buf_text(&said), port + strlen("--health=")));
	mock_stop(&mock);
}

/* Everybody at once, over connections of their own. */
static void send_all(struct mock_program *mock, struct http_client *lines, char **ids,
	const char *method, const char *rest)
{
	for (unsigned i = 0; i < CROWD; i++) {
		SCOPED(mem_free) char *path = session_path(ids[i], rest);

		mock_drain_ledger(mock);
		http_open(&lines[i], mock->port);
		mock_send(&lines[i], method, path, NULL);
	}
}

static void many_sessions_are_archived_at_once(void **state UNUSED)
{
	struct rlimit limit;
	struct mock_program mock;
	struct http_client *streams, *archives;
	char **ids;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < DESCRIPTORS)
		skip();
	streams = mem_zeroed(CROWD * sizeof *streams);
	archives = mem_zeroed(CROWD * sizeof *archives);
	ids = mem_zeroed(CROWD * sizeof *ids);
	mock_start(&mock, "{\"disconnect\": {\"latency\": \"500ms\"}}");
	for (unsigned i = 0; i < CROWD; i++)
		ids[i] = mock_open_session(&mock, (int)i + 1);
	send_all(&mock, streams, ids, "GET", "/events/stream");
	for (unsigned i = 0; i < CROWD; i++)
		mock_wait_event(&mock, "agent.stream.opened");
	send_all(&mock, archives, ids, "POST", "/archive");
	for (unsigned i = 0; i < CROWD; i++)
		mock_wait_event(&mock, "agent.disconnect.done");
	for (unsigned i = 0; i < CROWD; i++) {
		struct http_answer answer = http_answer(&archives[i]);

		mock_drain_ledger(&mock);
		assert_int_equal(answer.status, 200);
		http_answer_done(&answer);
		http_expect(&streams[i], "event: session.status_terminated");
		http_close(&streams[i]);
		http_close(&archives[i]);
		free(ids[i]);
	}
	mock_stop(&mock);
	free(streams);
	free(archives);
	free(ids);
}

/* The first socket is given, as inetd does it; the second one is its own. */
static void socket_of_stdin_is_served_and_opened_again(void **state UNUSED)
{
	struct mock_program mock;
	int saved = dup(STDIN_FILENO), listener;
	uint16_t port = 0;
	struct err err;

	assert_true(web_listen_at("127.0.0.1", &port, &listener, &err));
	assert_int_equal(dup2(listener, STDIN_FILENO), STDIN_FILENO);
	close(listener);
	mock_start_with(&mock, "{}", "--inetd=true");
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(mock.port, port);
	assert_int_equal(mock_call_status(&mock, "GET", "/health", NULL), 200);
	assert_int_equal(
		mock_control(&mock, "POST", "/control/listen", "{\"accept\": false}"),
		200);
	http_wait_refused(port);
	assert_int_equal(
		mock_control(&mock, "POST", "/control/listen", "{\"accept\": true}"),
		200);
	assert_int_equal(mock_call_status(&mock, "GET", "/health", NULL), 200);
	mock_stop(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_usage_is_reported_before_anything_starts),
		cmocka_unit_test(variables_without_the_prefix_are_ignored),
		cmocka_unit_test(signal_ends_it_at_once_with_open_connections),
		cmocka_unit_test(closed_ledger_ends_it),
		cmocka_unit_test(health_is_asked_by_the_program_itself),
		cmocka_unit_test(socket_of_stdin_is_served_and_opened_again),
		cmocka_unit_test(many_sessions_are_archived_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

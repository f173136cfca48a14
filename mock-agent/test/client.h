/*
 * client - for tests: a mock-agent of their own, and a client that is blunt enough to
 * see resets, half answers and silence.
 *
 * Blocking, with a ten-second patience; everything unexpected fails the test. The test
 * is the mock's ledger, so that it can wait for events.
 */
#ifndef MOCK_AGENT_TEST_CLIENT_H
#define MOCK_AGENT_TEST_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PATIENCE_MS 10000
#define ARGS_MAX    16

struct mock_program {
	pid_t pid;
	int ledger; /* our end of its lifeline */
	struct buf events;
	size_t read; /* of them: what wait_event() is past */
	char folder[64];
	uint16_t port, control_port;
	char *agent_id, *environment_id; /* made on first need */
};

struct answer {
	int status;
	char *headers;
	cJSON *body; /* NULL: none, or no JSON */
};

enum line_end {
	LINE_EOF = 1,
	LINE_RESET,
	LINE_SILENT, /* nothing came for as long as we were told to wait */
};

/* One connection and what came over it. */
struct http_line {
	int fd;
	struct buf raw;
};

UNUSED static void wait_readable(int fd, const char *what)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	if (poll(&wait, 1, PATIENCE_MS) != 1)
		fail_msg("nothing came: %s", what);
}

/* The program */

UNUSED static int ledger_listen(struct mock_program *mock)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/ledger", mock->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

UNUSED static char *program_path(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	assert_true(len > 0);
	path[len] = '\0';
	for (unsigned i = 0; i < 3; i++) { /* build/mock-agent/test/test_api */
		slash = strrchr(path, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	return mem_textf("%s/bin/mock-agent", path);
}

UNUSED static pid_t spawn(const char *const *args, int stderr_fd)
{
	SCOPED(mem_free) char *program = program_path();
	const char *argv[ARGS_MAX + 2] = {program};
	pid_t pid;

	if (access(program, X_OK) != 0)
		fail_msg("%s is missing: run make first", program);
	for (unsigned i = 0; args[i]; i++) {
		assert_true(i < ARGS_MAX);
		argv[i + 1] = args[i];
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves it behind */
		if (stderr_fd >= 0)
			dup2(stderr_fd, STDERR_FILENO);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* Reads what is in the ledger: unread, it would block its writer before long. */
UNUSED static void drain_ledger(struct mock_program *mock)
{
	char data[65536];
	ssize_t len;

	while ((len = recv(mock->ledger, data, sizeof data, MSG_DONTWAIT)) > 0)
		buf_add(&mock->events, data, (size_t)len);
}

/* Reads the ledger until a line with `text` in it comes after those that were waited
 * for before, and gives it, without its end. Borrowed until the next call. */
UNUSED static const char *wait_event(struct mock_program *mock, const char *text)
{
	static char line[4096];
	char data[65536];

	for (;;) {
		const char *from = buf_text(&mock->events) + mock->read;
		const char *end = strchr(from, '\n');
		ssize_t len;

		if (end) {
			snprintf(line, sizeof line, "%.*s", (int)(end - from), from);
			mock->read += (size_t)(end - from) + 1;
			if (strstr(line, text))
				return line;
			continue;
		}
		wait_readable(mock->ledger, text);
		len = read(mock->ledger, data, sizeof data);
		if (len <= 0)
			fail_msg("the ledger ended before %s; it has:\n%s", text,
				buf_text(&mock->events));
		buf_add(&mock->events, data, (size_t)len);
	}
}

/* How many lines of those read so far have text. */
UNUSED static unsigned count_events(struct mock_program *mock, const char *text)
{
	unsigned count = 0;

	for (const char *at = buf_text(&mock->events); (at = strstr(at, text)) != NULL;
		at++)
		count++;
	return count;
}

UNUSED static int64_t event_int(const char *line, const char *member)
{
	SCOPED(json_free) cJSON *event = json_parse(line, strlen(line));

	return json_int(event, member, -1);
}

/* With a control port. `more` are further arguments, or NULL. */
UNUSED static void mock_start_with(
	struct mock_program *mock, const char *behavior, const char *more)
{
	SCOPED(mem_free) char *ledger = NULL;
	SCOPED(mem_free) char *port_file = NULL;
	int listener;
	FILE *file;
	unsigned port, control_port;

	*mock = (struct mock_program){0};
	snprintf(mock->folder, sizeof mock->folder, "/tmp/test-mock-agent-XXXXXX");
	assert_non_null(mkdtemp(mock->folder));
	ledger = mem_textf("--ledger=unix:%s/ledger", mock->folder);
	port_file = mem_textf("--port-file=%s/port", mock->folder);
	listener = ledger_listen(mock);
	mock->pid = spawn((const char *const[]){ledger, port_file, "--control-port=0",
				  "--behavior", behavior, more, NULL},
		-1);
	wait_readable(listener, "its lifeline");
	mock->ledger = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	wait_event(mock, "\"agent.listening\"");
	file = fopen(port_file + strlen("--port-file="), "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u %u", &port, &control_port), 2);
	fclose(file);
	mock->port = (uint16_t)port;
	mock->control_port = (uint16_t)control_port;
}

UNUSED static void mock_start(struct mock_program *mock, const char *behavior)
{
	mock_start_with(mock, behavior, NULL);
}

/* Its wait status, once it ended of itself. */
UNUSED static int mock_wait(struct mock_program *mock)
{
	int status, fd = (int)syscall(SYS_pidfd_open, mock->pid, 0);

	assert_true(fd >= 0);
	wait_readable(fd, "its end");
	close(fd);
	assert_int_equal(waitpid(mock->pid, &status, 0), mock->pid);
	mock->pid = 0;
	return status;
}

/* Ends it, and demands that it ends well. */
UNUSED static void mock_stop(struct mock_program *mock)
{
	SCOPED(mem_free) char *ledger = mem_textf("%s/ledger", mock->folder);
	SCOPED(mem_free) char *port_file = mem_textf("%s/port", mock->folder);

	if (mock->pid > 0) {
		kill(mock->pid, SIGTERM);
		wait_event(mock, "\"process.exit\"");
		assert_int_equal(mock_wait(mock), 0);
	}
	if (mock->ledger >= 0)
		close(mock->ledger);
	unlink(ledger);
	unlink(port_file);
	rmdir(mock->folder);
	buf_done(&mock->events);
	free(mock->agent_id);
	free(mock->environment_id);
}

/* Connections */

/* -1 when it is refused, or reset: the listener closed while it waited there. */
UNUSED static int try_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	assert_true(errno == ECONNREFUSED || errno == ECONNRESET);
	close(fd);
	return -1;
}

/* Until its listener, which closes in the loop's next turns, is closed. */
UNUSED static void wait_refused(uint16_t port)
{
	int64_t until_ns = clock_now() + PATIENCE_MS * CLOCK_MS;
	int fd;

	while ((fd = try_connect(port)) >= 0) {
		close(fd);
		if (clock_now() > until_ns)
			fail_msg("port %u still accepts", port);
	}
}

UNUSED static void line_open(struct http_line *line, uint16_t port)
{
	*line = (struct http_line){.fd = try_connect(port)};
	if (line->fd < 0)
		fail_msg("port %u refuses", port);
}

UNUSED static void line_close(struct http_line *line)
{
	close(line->fd);
	buf_done(&line->raw);
}

#define CREDENTIAL "authorization: Bearer test\r\n"
#define VERSION    "anthropic-version: 2026-10-21\r\n"
#define BETA       "anthropic-beta: managed-agents-2026-04-01\r\n"

UNUSED static void line_send(struct http_line *line, const char *method,
	const char *path, const char *headers, const char *body)
{
	SCOPED(mem_free) char *text = mem_textf(
		"%s %s HTTP/1.1\r\nhost: mock\r\n%scontent-length: %zu\r\n\r\n%s",
		method, path, headers ? headers : CREDENTIAL VERSION BETA,
		body ? strlen(body) : 0, body ? body : "");
	size_t len = strlen(text);

	assert_int_equal(send(line->fd, text, len, MSG_NOSIGNAL), len);
}

/* 0 when something came, else how it ended. */
UNUSED static int line_read(struct http_line *line, int patience_ms)
{
	struct pollfd wait = {.fd = line->fd, .events = POLLIN};
	char data[16384];
	ssize_t len;

	if (poll(&wait, 1, patience_ms) == 0)
		return LINE_SILENT;
	len = recv(line->fd, data, sizeof data, 0);
	if (len < 0) {
		assert_int_equal(errno, ECONNRESET);
		return LINE_RESET;
	}
	buf_add(&line->raw, data, (size_t)len);
	return len > 0 ? 0 : LINE_EOF;
}

UNUSED static const char *line_body(const struct http_line *line)
{
	const char *end = strstr(buf_text(&line->raw), "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* What a chunked body says so far; true when its end came. */
UNUSED static bool dechunk(const char *body, struct buf *text)
{
	while (*body) {
		char *end;
		size_t len = strtoul(body, &end, 16);

		if (strncmp(end, "\r\n", 2) != 0)
			return false;
		if (len == 0)
			return strncmp(end, "\r\n\r\n", 4) == 0;
		end += 2;
		if (strnlen(end, len + 2) < len + 2) {
			buf_adds(text, end);
			return false;
		}
		buf_add(text, end, len);
		body = end + len + 2;
	}
	return false;
}

UNUSED static bool is_chunked(const struct http_line *line)
{
	return strcasestr(buf_text(&line->raw), "transfer-encoding: chunked") != NULL;
}

/* How a stream ends that says nothing new: LINE_EOF also when its last chunk came. */
UNUSED static int line_end(struct http_line *line, int patience_ms)
{
	for (;;) {
		const char *body = line_body(line);
		SCOPED(buf_done) struct buf text = {0};
		int end;

		if (body && is_chunked(line) && dechunk(body, &text))
			return LINE_EOF;
		end = line_read(line, patience_ms);
		if (end)
			return end;
	}
}

/* Reads a stream until text came. */
UNUSED static void line_expect(struct http_line *line, const char *wanted)
{
	for (;;) {
		const char *body = line_body(line);
		SCOPED(buf_done) struct buf text = {0};

		if (body) {
			dechunk(body, &text);
			if (strstr(buf_text(&text), wanted))
				return;
		}
		if (line_read(line, PATIENCE_MS))
			fail_msg("%s did not come, but:\n%s", wanted,
				buf_text(&line->raw));
	}
}

UNUSED static unsigned line_count(const struct http_line *line, const char *wanted)
{
	SCOPED(buf_done) struct buf text = {0};
	unsigned count = 0;

	dechunk(line_body(line), &text);
	for (const char *at = buf_text(&text); (at = strstr(at, wanted)) != NULL; at++)
		count++;
	return count;
}

/* Is the answer whole? Then text has its body. */
UNUSED static bool is_whole(const struct http_line *line, struct buf *text)
{
	const char *body = line_body(line);
	const char *length = strcasestr(buf_text(&line->raw), "content-length:");

	if (!body)
		return false;
	if (is_chunked(line))
		return dechunk(body, text);
	assert_non_null(length);
	buf_adds(text, body);
	return text->len >= strtoul(length + strlen("content-length:"), NULL, 10);
}

/* Waits for an answer that is whole, and empties the line for the next one. */
UNUSED static struct answer line_answer(struct http_line *line)
{
	struct answer answer = {0};
	SCOPED(buf_done) struct buf text = {0};

	while (!is_whole(line, &text)) {
		buf_clear(&text);
		if (line_read(line, PATIENCE_MS))
			fail_msg("no whole answer, but: %s", buf_text(&line->raw));
	}
	answer.status = atoi(buf_text(&line->raw) + strlen("HTTP/1.1 "));
	answer.headers = mem_text(buf_text(&line->raw));
	answer.body = json_parse(buf_text(&text), text.len);
	buf_clear(&line->raw);
	return answer;
}

UNUSED static void answer_done(struct answer *answer)
{
	free(answer->headers);
	cJSON_Delete(answer->body);
}

/* One request over a connection of its own. */
UNUSED static struct answer call(struct mock_program *mock, const char *method,
	const char *path, const char *body)
{
	struct answer answer;
	struct http_line line;

	drain_ledger(mock);
	line_open(&line, mock->port);
	line_send(&line, method, path, NULL, body);
	answer = line_answer(&line);
	line_close(&line);
	return answer;
}

/* The same, when only its status is of interest. */
UNUSED static int call_status(struct mock_program *mock, const char *method,
	const char *path, const char *body)
{
	struct answer answer = call(mock, method, path, body);
	int status = answer.status;

	answer_done(&answer);
	return status;
}

/* The same, when only a text in its body is. To free(). */
UNUSED static char *call_text(struct mock_program *mock, const char *method,
	const char *path, const char *body, const char *wanted)
{
	struct answer answer = call(mock, method, path, body);
	const cJSON *node = json_at(answer.body, wanted);
	char *text = mem_text(cJSON_GetStringValue(node));

	if (!text)
		fail_msg("%s %s: %d without %s", method, path, answer.status, wanted);
	answer_done(&answer);
	return text;
}

/* Sessions */

#define TOOLS                                                                          \
	"[{\"type\":\"custom\",\"name\":\"one\",\"description\":\"d\","                \
	"\"input_schema\":"                                                            \
	"{\"type\":\"object\",\"properties\":{\"q\":{\"type\":\"string\"}},"           \
	"\"required\":"                                                                \
	"[\"q\"]}},{\"type\":\"custom\",\"name\":\"two\",\"description\":\"d\","       \
	"\"input_schema\":{\"type\":\"object\"}}]"

/* Its id, to free(). Room 0: it does not say. */
UNUSED static char *open_session(struct mock_program *mock, int room)
{
	SCOPED(mem_free) char *metadata = NULL;
	SCOPED(mem_free) char *body = NULL;

	if (!mock->agent_id) {
		mock->agent_id = call_text(mock, "POST", "/v1/agents",
			"{\"name\":\"a\",\"model\":\"claude-sonnet-5\",\"tools\":" TOOLS
			"}",
			"id");
		mock->environment_id = call_text(
			mock, "POST", "/v1/environments", "{\"name\":\"e\"}", "id");
	}
	metadata = room > 0 ? mem_textf("{\"room\":\"%d\"}", room) : mem_text("{}");
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\",\"metadata\":%s}",
		mock->agent_id, mock->environment_id, metadata);
	return call_text(mock, "POST", "/v1/sessions", body, "id");
}

UNUSED static char *path_of(const char *session, const char *rest)
{
	return mem_textf("/v1/sessions/%s%s", session, rest);
}

/* A request about a session: its status. */
UNUSED static int session_call(struct mock_program *mock, const char *method,
	const char *session, const char *rest, const char *body)
{
	SCOPED(mem_free) char *path = path_of(session, rest);

	return call_status(mock, method, path, body);
}

UNUSED static void open_stream(
	struct mock_program *mock, struct http_line *line, const char *session)
{
	SCOPED(mem_free) char *path = path_of(session, "/events/stream");

	line_open(line, mock->port);
	line_send(line, "GET", path, NULL, NULL);
	while (!line_body(line)) {
		if (line_read(line, PATIENCE_MS))
			fail_msg("no stream: %s", buf_text(&line->raw));
	}
	assert_non_null(strstr(buf_text(&line->raw), " 200 "));
	assert_non_null(strcasestr(buf_text(&line->raw), "text/event-stream"));
}

UNUSED static int say(struct mock_program *mock, const char *session, const char *text)
{
	SCOPED(mem_free) char *body = mem_textf(
		"{\"events\":[{\"type\":\"user.message\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"%s\"}]}]}",
		text);

	return session_call(mock, "POST", session, "/events", body);
}

UNUSED static int interrupt(struct mock_program *mock, const char *session)
{
	return session_call(mock, "POST", session, "/events",
		"{\"events\":[{\"type\":\"user.interrupt\"}]}");
}

UNUSED static int answer_tool(struct mock_program *mock, const char *session,
	const char *use_id, const char *text)
{
	SCOPED(mem_free) char *body = mem_textf(
		"{\"events\":[{\"type\":\"user.custom_tool_result\",\"custom_tool_use"
		"_id\":"
		"\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}",
		use_id, text);

	return session_call(mock, "POST", session, "/events", body);
}

UNUSED static char *stored_status(struct mock_program *mock, const char *session)
{
	SCOPED(mem_free) char *path = path_of(session, "");

	return call_text(mock, "GET", path, NULL, "status");
}

UNUSED static int control(struct mock_program *mock, const char *method,
	const char *path, const char *body)
{
	struct answer answer;
	struct http_line line;
	int status;

	line_open(&line, mock->control_port);
	line_send(&line, method, path, NULL, body);
	answer = line_answer(&line);
	status = answer.status;
	answer_done(&answer);
	line_close(&line);
	return status;
}

#endif

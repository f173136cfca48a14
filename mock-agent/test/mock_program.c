#include "mock-agent/test/mock_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/temp_dir.h"

/* The program */

void mock_start(struct mock_program *mock, const char *behavior)
{
	mock_start_with(mock, behavior, NULL);
}

void mock_start_with(struct mock_program *mock, const char *behavior, const char *more)
{
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *ledger = NULL;
	SCOPED(mem_free) char *port_file = NULL;
	const char *argv[] = {"mock-agent", NULL, NULL, "--control-port=0",
		"--behavior", behavior, more, NULL};
	FILE *file;

	*mock = (struct mock_program){.folder = temp_dir_create()};
	path = mem_textf("%s/ledger", mock->folder);
	argv[1] = ledger = mem_textf("--ledger=unix:%s", path);
	argv[2] = port_file = mem_textf("--port-file=%s/port", mock->folder);
	mock->ledger = ledger_reader_create(path);
	program_start(&mock->program, argv, (struct program_fds){0});
	mock_wait_event(mock, "\"agent.listening\"");
	file = fopen(port_file + strlen("--port-file="), "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%hu %hu", &mock->port, &mock->control_port), 2);
	fclose(file);
}

int mock_wait(struct mock_program *mock)
{
	return program_wait(&mock->program);
}

void mock_stop(struct mock_program *mock)
{
	if (!mock->program.ended) {
		kill(mock->program.pid, SIGTERM);
		mock_wait_event(mock, "\"process.exit\"");
		assert_int_equal(mock_wait(mock), 0);
	}
	program_kill(&mock->program);
	ledger_reader_destroy(mock->ledger);
	temp_dir_remove(mock->folder);
	free(mock->agent_id);
	free(mock->environment_id);
}

const char *mock_wait_event(struct mock_program *mock, const char *text)
{
	return ledger_reader_next(mock->ledger, text);
}

unsigned mock_count_events(const struct mock_program *mock, const char *text)
{
	unsigned count = 0;

	while (ledger_reader_line(mock->ledger, text, count + 1))
		count++;
	return count;
}

void mock_drain_ledger(struct mock_program *mock)
{
	while (ledger_reader_turn(mock->ledger, 0))
		continue;
}

int64_t event_int(const char *line, const char *member)
{
	SCOPED(json_free) cJSON *event = json_parse(line, strlen(line));

	return json_int(event, member, -1);
}

/* Requests */

void mock_send(struct http_client *client, const char *method, const char *path,
	const char *body)
{
	http_send(client, method, path, CREDENTIAL VERSION BETA, body);
}

static struct http_answer call_port(
	uint16_t port, const char *method, const char *path, const char *body)
{
	struct http_answer answer;
	struct http_client client;

	http_open(&client, port);
	mock_send(&client, method, path, body);
	answer = http_answer(&client);
	http_close(&client);
	return answer;
}

static int status_of(struct http_answer answer)
{
	http_answer_done(&answer);
	return answer.status;
}

struct http_answer mock_call(struct mock_program *mock, const char *method,
	const char *path, const char *body)
{
	mock_drain_ledger(mock);
	return call_port(mock->port, method, path, body);
}

int mock_call_status(struct mock_program *mock, const char *method, const char *path,
	const char *body)
{
	return status_of(mock_call(mock, method, path, body));
}

char *mock_call_text(struct mock_program *mock, const char *method, const char *path,
	const char *body, const char *member)
{
	struct http_answer answer = mock_call(mock, method, path, body);
	char *text = mem_text(cJSON_GetStringValue(json_at(answer.body, member)));

	if (!text)
		fail_msg("%s %s: %d without %s", method, path, answer.status, member);
	http_answer_done(&answer);
	return text;
}

int mock_control(struct mock_program *mock, const char *method, const char *path,
	const char *body)
{
	return status_of(call_port(mock->control_port, method, path, body));
}

/* Sessions */

#define TOOLS                                                                          \
	"[{\"type\":\"custom\",\"name\":\"one\",\"description\":\"d\","                \
	"\"input_schema\":{\"type\":\"object\","                                       \
	"\"properties\":{\"q\":{\"type\":\"string\"}},\"required\":[\"q\"]}},"         \
	"{\"type\":\"custom\",\"name\":\"two\",\"description\":\"d\","                 \
	"\"input_schema\":{\"type\":\"object\"}}]"

static void make_resources(struct mock_program *mock)
{
	mock->agent_id = mock_call_text(mock, "POST", "/v1/agents",
		"{\"name\":\"a\",\"model\":\"claude-sonnet-5\",\"tools\":" TOOLS "}",
		"id");
	mock->environment_id = mock_call_text(
		mock, "POST", "/v1/environments", "{\"name\":\"e\"}", "id");
}

char *mock_open_session(struct mock_program *mock, int room)
{
	SCOPED(mem_free) char *metadata = NULL;
	SCOPED(mem_free) char *body = NULL;

	if (!mock->agent_id)
		make_resources(mock);
	metadata = room > 0 ? mem_textf("{\"room\":\"%d\"}", room) : mem_text("{}");
	body = mem_textf("{\"agent\":\"%s\",\"environment_id\":\"%s\",\"metadata\":%s}",
		mock->agent_id, mock->environment_id, metadata);
	return mock_call_text(mock, "POST", "/v1/sessions", body, "id");
}

char *session_path(const char *session, const char *rest)
{
	return mem_textf("/v1/sessions/%s%s", session, rest);
}

void mock_open_stream(
	struct mock_program *mock, struct http_client *client, const char *session)
{
	SCOPED(mem_free) char *path = session_path(session, "/events/stream");

	http_open(client, mock->port);
	mock_send(client, "GET", path, NULL);
	while (!http_raw_body(client)) {
		if (http_read(client, HTTP_PATIENCE_MS) != HTTP_OPEN)
			fail_msg("no stream: %s", buf_text(&client->raw));
	}
	assert_non_null(strstr(buf_text(&client->raw), " 200 "));
	assert_non_null(strcasestr(buf_text(&client->raw), "text/event-stream"));
}

char *mock_session_status(struct mock_program *mock, const char *session)
{
	SCOPED(mem_free) char *path = session_path(session, "");

	return mock_call_text(mock, "GET", path, NULL, "status");
}

int mock_session_call(struct mock_program *mock, const char *method,
	const char *session, const char *rest, const char *body)
{
	SCOPED(mem_free) char *path = session_path(session, rest);

	return mock_call_status(mock, method, path, body);
}

int mock_say(struct mock_program *mock, const char *session, const char *text)
{
	SCOPED(mem_free) char *body =
		mem_textf("{\"events\":[{\"type\":\"user.message\",\"content\":"
			  "[{\"type\":\"text\",\"text\":\"%s\"}]}]}",
			text);

	return mock_session_call(mock, "POST", session, "/events", body);
}

int mock_interrupt(struct mock_program *mock, const char *session)
{
	return mock_session_call(mock, "POST", session, "/events",
		"{\"events\":[{\"type\":\"user.interrupt\"}]}");
}

int mock_answer_tool(struct mock_program *mock, const char *session, const char *use_id,
	const char *text)
{
	SCOPED(mem_free) char *body = mem_textf(
		"{\"events\":[{\"type\":\"user.custom_tool_result\",\"custom_tool_use"
		"_id\":\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}",
		use_id, text);

	return mock_session_call(mock, "POST", session, "/events", body);
}

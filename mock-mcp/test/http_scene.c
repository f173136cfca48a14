#include "mock-mcp/test/http_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "test/support/temp_dir.h"

struct http_scene *http_scene_begin(void **state, const char *behavior)
{
	struct http_scene *scene = mem_zeroed(sizeof *scene);
	SCOPED(mem_free) char *path = NULL;
	SCOPED(mem_free) char *ledger = NULL;
	SCOPED(mem_free) char *port_file = NULL;
	const char *argv[] = {"mock-mcp", "--port=0", NULL, NULL, "--behavior",
		behavior ? behavior : "{}", NULL};
	FILE *file;

	assert_null(*state);
	*state = scene;
	scene->folder = temp_dir_create();
	path = mem_textf("%s/ledger", scene->folder);
	argv[2] = ledger = mem_textf("--ledger=unix:%s", path);
	argv[3] = port_file = mem_textf("--port-file=%s/port", scene->folder);
	scene->ledger = ledger_reader_create(path);
	program_start(&scene->program, argv, (struct program_fds){0});
	http_scene_event(scene, "\"mcp.listening\"");
	file = fopen(port_file + strlen("--port-file="), "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%hu", &scene->port), 1);
	fclose(file);
	return scene;
}

int http_scene_end(void **state)
{
	struct http_scene *scene = *state;

	if (!scene)
		return 0;
	*state = NULL;
	if (!scene->program.ended) {
		kill(scene->program.pid, SIGTERM);
		http_scene_event(scene, "\"process.exit\"");
		assert_int_equal(program_wait(&scene->program), 0);
	}
	program_kill(&scene->program);
	ledger_reader_destroy(scene->ledger);
	temp_dir_remove(scene->folder);
	free(scene->session);
	free(scene);
	return 0;
}

const char *http_scene_event(struct http_scene *scene, const char *text)
{
	return ledger_reader_next(scene->ledger, text);
}

unsigned http_scene_count(struct http_scene *scene, const char *text)
{
	unsigned count = 0;

	while (ledger_reader_turn(scene->ledger, 0))
		continue;
	while (ledger_reader_line(scene->ledger, text, count + 1))
		count++;
	return count;
}

unsigned http_scene_descriptors(const struct http_scene *scene)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/fd", scene->program.pid);
	DIR *folder = opendir(path);
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

void http_scene_send(struct http_scene *scene, struct http_client *client,
	const char *method, const char *headers, const char *body)
{
	SCOPED(mem_free) char *session = scene->session
		? mem_textf("mcp-session-id: %s\r\n", scene->session)
		: mem_text("");
	SCOPED(mem_free) char *request = mem_textf(
		"%s /mcp HTTP/1.1\r\nhost: localhost:%u\r\n%s%scontent-length: %zu\r\n"
		"\r\n%s",
		method, scene->port, headers, session, body ? strlen(body) : 0,
		body ? body : "");

	http_open(client, scene->port);
	http_send_text(client->fd, request);
}

struct http_answer http_scene_call(struct http_scene *scene, const char *method,
	const char *headers, const char *body)
{
	struct http_answer answer;
	struct http_client client;

	http_scene_send(scene, &client, method, headers, body);
	answer = http_answer(&client);
	http_close(&client);
	return answer;
}

/* The last message of a stream of events. */
static cJSON *last_event(const struct http_client *client)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *data = NULL, *next;

	assert_true(http_body(client, &text));
	next = buf_text(&text);
	while ((next = strstr(next, "\ndata: "))) {
		next += strlen("\ndata: ");
		data = *next == '\n' ? data : next;
	}
	assert_non_null(data);
	return json_parse(data, strcspn(data, "\n"));
}

cJSON *http_scene_post(struct http_scene *scene, const char *body)
{
	struct http_client client;
	cJSON *message;

	http_scene_send(
		scene, &client, "POST", HTTP_JSON "connection: close\r\n", body);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	if (strstr(buf_text(&client.raw), "text/event-stream")) {
		message = last_event(&client);
	} else {
		const char *text = http_raw_body(&client);

		assert_non_null(text);
		message = json_parse(text, strlen(text));
	}
	if (!message)
		fail_msg("no JSON: %s", buf_text(&client.raw));
	http_close(&client);
	return message;
}

void http_scene_greet(struct http_scene *scene, const char *version)
{
	static const char header[] = "Mcp-Session-Id: ";
	SCOPED(mem_free) char *body = mem_textf(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"%s\",\"capabilities\":{},\"clientInfo\":{"
		"\"name\":\"t\",\"version\":\"1\"}}}",
		version);
	struct http_client client;
	struct http_answer answer;
	const char *id;

	free(scene->session);
	scene->session = NULL;
	http_scene_send(scene, &client, "POST",
		HTTP_JSON "connection: close\r\nx-session-room: 7\r\n", body);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	id = strstr(buf_text(&client.raw), header);
	assert_non_null(id);
	scene->session = mem_text(id + strlen(header));
	scene->session[strcspn(scene->session, "\r")] = '\0';
	http_close(&client);
	answer = http_scene_call(scene, "POST", HTTP_JSON,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	assert_int_equal(answer.status, 202);
	http_answer_done(&answer);
}

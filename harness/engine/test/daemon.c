#include "harness/engine/test/daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

void daemon_reply(struct web_exchange *exchange, unsigned status, const char *json)
{
	web_reply(exchange, status, "application/json", json, strlen(json));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_removed(const struct daemon *daemon)
{
	return daemon->state && daemon->removes_it;
}

static void answer_json(struct daemon *daemon, struct web_exchange *exchange)
{
	SCOPED(mem_free)
	char *json = mem_textf("{\"Id\":\"" ID "\",\"HostConfig\":%s,\"State\":%s}",
		daemon->host_config ? daemon->host_config : "{}",
		daemon->state ? daemon->state : "{\"Running\":true,\"Pid\":1}");

	if (is_removed(daemon))
		daemon_reply(exchange, 404, "{\"message\":\"No such container\"}");
	else
		daemon_reply(exchange, 200, json);
}

static void answer_log(struct daemon *daemon, struct web_exchange *exchange)
{
	if (!web_query(exchange, "follow", 0)) {
		web_reply(exchange, 200, "application/octet-stream", daemon->whole_log,
			daemon->whole_log_len);
		return;
	}
	daemon->follow = exchange;
	web_stream_begin(exchange, 200, "application/octet-stream");
}

static void answer_wait(struct daemon *daemon, struct web_exchange *exchange)
{
	if (is_removed(daemon))
		daemon_reply(exchange, 404, "{\"message\":\"No such container\"}");
	else if (daemon->state)
		daemon_reply(exchange, 200, "{\"StatusCode\":0}");
	else
		daemon->wait = exchange;
}

static void note_tag(struct daemon *daemon, struct web_exchange *exchange)
{
	const char *repo = web_query(exchange, "repo", 0);
	const char *tag = web_query(exchange, "tag", 0);

	buf_addf(&daemon->tags, "%s %s:%s\n", strstr(exchange->path, "/images/"),
		repo ? repo : "", tag ? tag : "");
	web_reply(exchange, 201, NULL, NULL, 0);
}

static void note_stop(struct daemon *daemon, struct web_exchange *exchange)
{
	const char *signal = web_query(exchange, "signal", 0);
	const char *seconds = web_query(exchange, "t", 0);
	const char *id = strstr(exchange->path, ID);

	assert_non_null(id);
	buf_addf(&daemon->stops, "%.*sID%s t=%s signal=%s\n",
		(int)(id - exchange->path), exchange->path, id + strlen(ID),
		seconds ? seconds : "-", signal ? signal : "-");
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct daemon *daemon = arg;
	const char *path = exchange->path;

	snprintf(daemon->last_path, sizeof daemon->last_path, "%s", path);
	if (strcmp(path, "/version") == 0) {
		daemon_reply(exchange, 200, daemon->about);
	} else if (ends_with(path, "/info")) {
		daemon_reply(exchange, 200,
			"{\"Name\":\"elsewhere\",\"KernelVersion\":\"1.0\"}");
	} else if (ends_with(path, "/containers/create")) {
		daemon_reply(exchange, daemon->create_status, daemon->create_answer);
	} else if (ends_with(path, "/images/create")) {
		daemon_reply(exchange, 200, daemon->import_answer);
	} else if (ends_with(path, "/tag")) {
		note_tag(daemon, exchange);
	} else if (strstr(path, "/images/")) {
		daemon_reply(exchange, 404, "{\"message\":\"No such image\"}");
	} else if (ends_with(path, "/events")) {
		daemon->events = exchange;
		web_stream_begin(exchange, 200, "application/json");
	} else if (ends_with(path, "/logs")) {
		answer_log(daemon, exchange);
	} else if (ends_with(path, "/json")) {
		answer_json(daemon, exchange);
	} else if (ends_with(path, "/wait")) {
		answer_wait(daemon, exchange);
	} else if (ends_with(path, "/stop")) {
		note_stop(daemon, exchange);
		daemon->on_stop(daemon, exchange);
	} else if (ends_with(path, "/kill") && daemon->on_kill) {
		note_stop(daemon, exchange);
		daemon->on_kill(daemon, exchange);
	} else {
		web_reply(exchange, 204, NULL, NULL, 0);
	}
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end UNUSED)
{
	struct daemon *daemon = arg;
	struct web_exchange **places[] = {
		&daemon->events, &daemon->follow, &daemon->wait};

	for (size_t i = 0; i < COUNT(places); i++) {
		if (*places[i] == exchange)
			*places[i] = NULL;
	}
}

void daemon_send_event(struct daemon *daemon, const char *action, const char *detail,
	const char *nanoseconds)
{
	SCOPED(mem_free) char *line = mem_textf(
		"{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"" ID
		"\",\"Attributes\":{\"%s\":\"%s\"}},\"timeNano\":%s}\n",
		action, strcmp(action, "die") == 0 ? "exitCode" : "signal",
		detail ? detail : "", nanoseconds);

	/* In two pieces: lines may be cut anywhere. */
	web_stream_add(daemon->events, line, 20);
	web_stream_add(daemon->events, line + 20, strlen(line) - 20);
}

void daemon_add_frame(struct buf *frames, char stream, const char *text)
{
	size_t len = strlen(text);
	const char header[8] = {stream, 0, 0, 0, 0, 0, (char)(len >> 8), (char)len};

	buf_add(frames, header, sizeof header);
	buf_adds(frames, text);
}

void daemon_end_container(struct daemon *daemon, const char *state)
{
	daemon->state = state;
	if (daemon->wait)
		daemon_reply(daemon->wait, 200, "{\"StatusCode\":0}");
	if (daemon->follow)
		web_stream_end(daemon->follow);
}

void daemon_open(struct daemon *daemon, uv_loop_t *loop)
{
	SCOPED(mem_free) char *address = NULL;
	struct err err = {0};

	*daemon = (struct daemon){
		.about = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}",
		.create_answer = "{\"Id\":\"" ID "\"}",
		.create_status = 201,
		.whole_log = "",
		.host_before = mem_text(getenv("DOCKER_HOST")),
	};
	daemon->web = web_create(loop,
		&(struct web_options){
			.host = "127.0.0.1",
			.body_ceiling = 64 << 20, /* images */
			.handle = on_request,
			.over = on_over,
			.arg = daemon,
		},
		&err);
	assert_non_null(daemon->web);
	address = mem_textf("tcp://127.0.0.1:%d", web_port(daemon->web));
	setenv("DOCKER_HOST", address, 1);
}

void daemon_close(struct daemon *daemon)
{
	web_destroy(daemon->web);
	if (daemon->host_before)
		setenv("DOCKER_HOST", daemon->host_before, 1);
	else
		unsetenv("DOCKER_HOST");
	free(daemon->host_before);
	buf_done(&daemon->stops);
	buf_done(&daemon->tags);
}

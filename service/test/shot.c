#include "service/test/shot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/test/world.h"

struct shot {
	struct world *world;
	struct shot *prev, *next;
	struct fetch_call *call;
	bool over;
	enum fetch_end end;
	long status;
	char *body;
	cJSON *json;
};

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct shot *shot = arg;

	shot->over = true;
	shot->end = result->end;
	shot->status = result->status;
	shot->body = mem_text(buf_text(result->body));
	shot->json = json_parse(shot->body, result->body->len);
}

static struct shot *shoot(struct world *world, const char *url, const char *method,
	const char *const *headers, const char *body)
{
	struct shot *shot = mem_zeroed(sizeof *shot);
	struct err err = {0};

	shot->world = world;
	DL_APPEND(*world_shots(world), shot);
	shot->call = fetch_start(world_fetch(world),
		&(struct fetch_request){
			.method = method,
			.url = url,
			.headers = headers,
			.body = body,
			.body_len = body ? strlen(body) : 0,
			.timeout_ns = WORLD_PATIENCE_S * CLOCK_S,
			.done = on_answer,
			.arg = shot,
		},
		&err);
	if (!shot->call)
		world_fail(world, "%s", err.text);
	return shot;
}

struct shot *world_send(struct world *world, const struct request *request)
{
	SCOPED(mem_free) char *url = mem_textf("%s%s", world_url(world), request->path);
	SCOPED(mem_free) char *type =
		mem_textf("Content-Type: %s", request->type ? request->type : "");
	SCOPED(mem_free) char *authorization = mem_textf("Authorization: %s",
		request->authorization ? request->authorization : "");
	const char *headers[3] = {NULL};
	int count = 0;

	/* Otherwise curl would name one of its own. */
	headers[count++] = request->type ? type : "Content-Type:";
	if (request->authorization)
		headers[count++] = authorization;
	return shoot(world, url, request->method, headers, request->body);
}

struct shot *world_say(
	struct world *world, const char *room, const char *bot, const char *content)
{
	SCOPED(mem_free) char *path = mem_textf("/webhook/%s", bot);
	SCOPED(mem_free) char *body =
		mem_textf("{\"creator\":{\"id\":1,\"name\":\"Test\"},"
			  "\"room\":{\"id\":%s,\"name\":\"Test\"},\"content\":\"%s\"}",
			room, content);

	return world_send(world,
		&(struct request){
			.method = "POST",
			.path = path,
			.type = "application/json",
			.body = body,
		});
}

static void await(struct shot *shot)
{
	world_wait(shot->world, &shot->over, "an answer");
}

long shot_status(struct shot *shot)
{
	await(shot);
	return shot->status;
}

enum fetch_end shot_end(struct shot *shot)
{
	await(shot);
	return shot->end;
}

const char *shot_text(struct shot *shot, const char *key)
{
	const char *text;

	await(shot);
	text = json_text(shot->json, key);
	return text ? text : "";
}

const char *shot_body(struct shot *shot)
{
	await(shot);
	return shot->body;
}

const cJSON *shot_json(struct shot *shot)
{
	await(shot);
	return shot->json;
}

bool shot_over(const struct shot *shot)
{
	return shot->over;
}

void shot_leave(struct shot *shot)
{
	fetch_cancel(shot->call);
	shot->over = true;
	shot->end = FETCH_BROKEN;
}

void world_talk(struct world *world, const char *room, const char *bot)
{
	struct shot *shot = world_say(world, room, bot, "hello");

	if (shot_status(shot) != 200)
		world_fail(world, "room %s, %s: %ld %s", room, bot, shot->status,
			shot->body);
}

const char *world_get(struct world *world, const char *path)
{
	struct shot *shot = world_send(world, &(struct request){.path = path});

	assert_int_equal(shot_status(shot), 200);
	return shot_body(shot);
}

double world_metric(struct world *world, const char *name)
{
	const char *text = world_get(world, "/metrics");
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ' ')
			return strtod(line + len, NULL);
	}
	return -1;
}

void world_change_agent(struct world *world, const char *behavior)
{
	SCOPED(mem_free) char *url =
		mem_textf("%s/control/behavior", world_agent_url(world));
	const char *headers[] = {"Content-Type: application/json", NULL};
	struct shot *shot = shoot(world, url, "PUT", headers, behavior);

	if (shot_status(shot) / 100 != 2)
		world_fail(world, "%ld %s", shot->status, shot->body);
}

void world_delete_agent_session(struct world *world, unsigned nth)
{
	static const char *const headers[] = {"Authorization: Bearer x",
		"anthropic-version: 2026-10-21",
		"anthropic-beta: managed-agents-2026-04-01", NULL};
	const cJSON *opened = world_event(world, "agent.session.opened", nth);
	SCOPED(mem_free) char *url = mem_textf(
		"%s/v1/sessions/%s", world_agent_url(world), json_text(opened, "id"));
	struct shot *shot = shoot(world, url, "DELETE", headers, NULL);

	if (shot_status(shot) != 200)
		world_fail(world, "%ld %s", shot->status, shot->body);
}

void shots_free(struct shot **shots)
{
	while (*shots) {
		struct shot *shot = *shots;

		if (!shot->over)
			fetch_cancel(shot->call);
		DL_DELETE(*shots, shot);
		cJSON_Delete(shot->json);
		free(shot->body);
		free(shot);
	}
}

/*
 * shot - a request on its way, and what became of it.
 *
 * What asks for the answer waits for it. Shots are freed with their world.
 */
#ifndef SERVICE_TEST_SHOT_H
#define SERVICE_TEST_SHOT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/fetch.h"

struct shot;
struct world;

/* Sends a webhook: room 1 and bot "personal_assistant" are as good as any. */
struct shot *world_say(
	struct world *world, const char *room, const char *bot, const char *content);
struct request {
	const char *method, *path, *type, *authorization, *body;
};
/* Likewise any request; what is NULL is left out. On a connection that stays open. */
struct shot *world_send(struct world *world, const struct request *request);
/* 0 without an answer, and the end says why. */
long shot_status(struct shot *shot);
enum fetch_end shot_end(struct shot *shot);
/* Of its JSON, borrowed: "" when there is no such text. */
const char *shot_text(struct shot *shot, const char *key);
const char *shot_body(struct shot *shot);
const cJSON *shot_json(struct shot *shot);
bool shot_over(const struct shot *shot);
/* Its client leaves. Only world_destroy() makes sense of it now. */
void shot_leave(struct shot *shot);

/* Says it and demands 200. */
void world_talk(struct world *world, const char *room, const char *bot);
/* GET, demanding 200. The text is borrowed. */
const char *world_get(struct world *world, const char *path);
/* The value of that Prometheus line, -1 when there is none. */
double world_metric(struct world *world, const char *name);

/* PUT /control/behavior of the mock-agent while it runs. */
void world_change_agent(struct world *world, const char *behavior);

/* Deletes the nth session (from 1) that the mock-agent opened, as a stranger would. */
void world_delete_agent_session(struct world *world, unsigned nth);

/* Frees them all. */
void shots_free(struct shot **shots);

#endif

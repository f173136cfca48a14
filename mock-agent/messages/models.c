#include "mock-agent/messages/models.h"

#include <string.h>

#include "lib/json_fill.h"

static const struct {
	const char *id;
	const char *name;
	const char *created_at;
} models[] = {
	{"claude-opus-5", "Claude Opus 5", "2026-06-01T00:00:00Z"},
	{"claude-sonnet-5", "Claude Sonnet 5", "2026-04-01T00:00:00Z"},
	{"claude-haiku-4-5", "Claude Haiku 4.5", "2025-10-01T00:00:00Z"},
};

static cJSON *model_json(unsigned i)
{
	return json_fill(NULL,
		"{'id': %s, 'type': 'model', 'display_name': %s, 'created_at': %s}",
		models[i].id, models[i].name, models[i].created_at);
}

void models_list_route(struct api_request *request)
{
	cJSON *body =
		json_fill(NULL, "{'has_more': false, 'first_id': %s, 'last_id': %s}",
			models[0].id, models[COUNT(models) - 1].id);
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (unsigned i = 0; i < COUNT(models); i++)
		cJSON_AddItemToArray(data, model_json(i));
	api_request_answer(request, body);
}

void models_get_route(struct api_request *request)
{
	for (unsigned i = 0; i < COUNT(models); i++) {
		if (strcmp(models[i].id, request->param[0]) == 0) {
			api_request_answer(request, model_json(i));
			return;
		}
	}
	api_request_refuse(request, 404, "model: %s", request->param[0]);
}

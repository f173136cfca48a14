#include "mock-agent/openai/openai_routes.h"

#include <string.h>

#include "lib/json_fill.h"
#include "mock-agent/answer/answer.h"
#include "mock-agent/openai/chat_format.h"
#include "mock-agent/openai/openai_error.h"

void openai_chat_route(struct api_request *request)
{
	answer_request(request, &chat_format);
}

/* What the list says; a request may name any other. */
static const struct {
	const char *id;
	unsigned created_s; /* since 1970 */
} models[] = {
	{"gpt-5.1", 1762905600},
	{"gpt-5-mini", 1754352000},
	{"gpt-4.1", 1744243200},
	{"gpt-4o", 1715299200},
};

static cJSON *model_json(unsigned i)
{
	return json_fill(NULL,
		"{'id': %s, 'object': 'model', 'created': %u, 'owned_by': 'system'}",
		models[i].id, models[i].created_s);
}

void openai_models_route(struct api_request *request)
{
	cJSON *body = json_fill(NULL, "{'object': 'list'}");
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (unsigned i = 0; i < COUNT(models); i++)
		cJSON_AddItemToArray(data, model_json(i));
	api_request_answer(request, body);
}

void openai_model_route(struct api_request *request)
{
	for (unsigned i = 0; i < COUNT(models); i++) {
		if (strcmp(models[i].id, request->param[0]) == 0) {
			api_request_answer(request, model_json(i));
			return;
		}
	}
	openai_refuse_status(request, 404, "model", "model_not_found",
		"The model '%s' does not exist", request->param[0]);
}

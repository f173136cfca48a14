#include "mock-agent/messages/models.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "mock-agent/api/query.h"

#define PAGE_MOST   1000
#define PAGE_PRESET 20

static const struct model {
	const char *id;
	const char *name;
	const char *created_at;
	const char *line;
	int max_tokens;
} models[] = {
	{"claude-opus-5", "Claude Opus 5", "2026-06-01T00:00:00Z", "opus", 128000},
	{"claude-sonnet-5", "Claude Sonnet 5", "2026-04-01T00:00:00Z", "sonnet", 64000},
	{"claude-haiku-4-5", "Claude Haiku 4.5", "2025-10-01T00:00:00Z", "haiku",
		64000},
};

#define YES "{'supported': true}"
#define NO  "{'supported': false}"

static const char capabilities[] =
	"{'capabilities': {'batch': " NO ", 'citations': " NO ", 'code_execution': " NO
	", 'context_management': {'supported': false, "
	"'clear_thinking_20251015': null, 'clear_tool_uses_20250919': null, "
	"'compact_20260112': null}, 'effort': {'supported': true, 'low': " YES
	", 'medium': " YES ", 'high': " YES ", 'max': " YES ", 'xhigh': " YES
	"}, 'image_input': " YES ", 'pdf_input': " YES
	", 'server_tools': {'supported': false, 'code_execution': " NO
	", 'web_search': " NO "}, 'structured_outputs': " YES
	", 'thinking': {'supported': true, 'types': {'adaptive': " YES
	", 'between_tools': " YES ", 'disabled': " YES ", 'enabled': " YES "}}}}";

static cJSON *model_json(const struct model *model)
{
	cJSON *json = json_fill(NULL,
		"{'id': %s, 'type': 'model', 'display_name': %s, 'created_at': %s, "
		"'line': %s, 'lifecycle': 'active', 'deprecated_at': null, "
		"'retires_at': null, 'max_input_tokens': 1000000, 'max_tokens': %d}",
		model->id, model->name, model->created_at, model->line,
		model->max_tokens);

	return json_fill(json, capabilities);
}

/* NULL: there is none. */
static const struct model *find(const char *id)
{
	for (unsigned i = 0; i < COUNT(models); i++) {
		if (strcmp(models[i].id, id) == 0)
			return &models[i];
	}
	return NULL;
}

/* The number of the model that a cursor names; `none` without one. False: it was
 * refused. */
static bool read_cursor(
	struct api_request *request, const char *name, int64_t none, int64_t *number)
{
	const char *id = web_query(request->exchange, name, 0);
	const struct model *model = id ? find(id) : NULL;

	*number = model ? model - models : none;
	return !id || model ||
		api_request_refuse(
			request, 400, "%s: no model has the id \"%.100s\"", name, id);
}

static void answer_page(
	struct api_request *request, int64_t from, int64_t to, bool more)
{
	const bool any = from < to;
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	json_add_text(body, "first_id", any ? models[from].id : NULL);
	json_add_text(body, "last_id", any ? models[to - 1].id : NULL);
	cJSON_AddBoolToObject(body, "has_more", more);
	for (int64_t i = from; i < to; i++)
		cJSON_AddItemToArray(data, model_json(&models[i]));
	api_request_answer(request, body);
}

/* A page behind after_id, or one that ends before before_id. */
void models_list_route(struct api_request *request)
{
	const bool back = web_query(request->exchange, "before_id", 0) != NULL;
	int64_t limit = PAGE_PRESET, after, before;

	if (!query_number(request, "limit", PAGE_MOST, &limit) ||
		!read_cursor(request, "after_id", -1, &after) ||
		!read_cursor(request, "before_id", COUNT(models), &before))
		return;
	after++;
	if (after > before)
		after = before;
	if (back && before - after > limit)
		answer_page(request, before - limit, before, true);
	else if (before - after > limit)
		answer_page(request, after, after + limit, true);
	else
		answer_page(request, after, before, false);
}

void models_get_route(struct api_request *request)
{
	const struct model *model = find(request->param[0]);

	if (model)
		api_request_answer(request, model_json(model));
	else
		api_request_refuse(request, 404, "model: %s", request->param[0]);
}

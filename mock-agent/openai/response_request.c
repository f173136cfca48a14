#include "mock-agent/openai/response_request.h"

#include "lib/json.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/openai_request.h"
#include "mock-agent/openai/response_items.h"

static const struct openai_request where = {
	.tools = "",
	.max = {"max_output_tokens"},
	.max_least = 16,
	.format = "text.format",
	.json_of = "",
	.messages = "input",
};

/* A client that relies on these would be misled by an answer without them. */
static bool check_unsupported(struct api_request *request)
{
	static const char *const names[] = {"conversation", "prompt"};

	for (unsigned i = 0; i < COUNT(names); i++) {
		const cJSON *member = json_get(request->body, names[i]);

		if (member && !cJSON_IsNull(member))
			return openai_refuse(request, names[i], "unsupported_parameter",
				"Unsupported parameter: '%s'. mock-agent stores "
				"responses and no more: use 'previous_response_id'.",
				names[i]);
	}
	return true;
}

/* What nobody waits for, and nobody can ask for, would be lost. */
static bool check_background(struct api_request *request)
{
	return !json_bool(request->body, "background", false) ||
		json_bool(request->body, "store", true) ||
		openai_refuse(request, "background", "invalid_value",
			"Background responses must be stored: 'store' cannot be false.");
}

bool response_request_read(
	struct conversation *conversation, struct api_request *request)
{
	if (!json_text(request->body, "model"))
		return openai_refuse_missing(request, "model");
	return check_unsupported(request) && check_background(request) &&
		response_items_read(conversation, &request->mock->responses, request) &&
		openai_request_read(conversation, request, &where);
}

#include "mock-mcp/features/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* Tells a state of ours from one that somebody changed; it is no secret. */
#define SALT "mock-mcp"
#define SUM  16 /* hexadecimal digits behind the dot */

static void sum_of(const char *text, size_t len, char sum[SUM + 1])
{
	uint64_t hash = hash_bytes(hash_text(HASH_BASIS, SALT), text, len);

	snprintf(sum, SUM + 1, "%016llx", (unsigned long long)hash);
}

bool inputs_state(struct call *call, const cJSON *params, char **state)
{
	const char *brought = json_text(params, "requestState");
	size_t len = brought ? strlen(brought) : 0;
	char sum[SUM + 1];

	*state = NULL;
	if (!brought)
		return true;
	if (len > SUM && brought[len - SUM - 1] == '.') {
		sum_of(brought, len - SUM - 1, sum);
		if (!strcmp(sum, brought + len - SUM)) {
			*state = mem_text(brought);
			(*state)[len - SUM - 1] = '\0';
			return true;
		}
	}
	call_refuse(call, JSONRPC_INVALID_PARAMS,
		"params.requestState: it is not the one that this server gave", NULL);
	return false;
}

void inputs_refuse(struct call *call, enum protocol_capability capability)
{
	const char *name = protocol_capability_name(capability);
	SCOPED(mem_free) char *why =
		mem_textf("the client has not declared the capability: %s", name);
	cJSON *needed = cJSON_CreateObject(), *data = cJSON_CreateObject();

	cJSON_AddObjectToObject(needed, name);
	cJSON_AddItemToObject(data, "requiredCapabilities", needed);
	call_refuse(call,
		call->style == PROTOCOL_STATELESS ? JSONRPC_MISSING_CAPABILITY
						  : JSONRPC_INVALID_REQUEST,
		why, data);
}

/* The parameters of a request to the client, the caller's. */
static cJSON *compose(const struct input_spec *spec, const cJSON *arguments)
{
	cJSON *params = json_parse(spec->params, strlen(spec->params));
	const char *text = spec->argument ? json_text(arguments, spec->argument) : NULL;
	struct err err;

	if (text)
		(void)!json_put_at(params, spec->place, cJSON_CreateString(text), &err);
	return params;
}

/* The handshake's way */

static void on_reply(struct call *call, const cJSON *result, const char *refused)
{
	const struct inputs *inputs = call->context;
	SCOPED(json_free) cJSON *answers = NULL;

	if (refused || !result) {
		SCOPED(mem_free) char *why = mem_textf(
			"the client refused: %s", refused ? refused : "no result");

		call_answer(call,
			json_fill(NULL,
				"{'content': [{'type': 'text', 'text': %s}], "
				"'isError': true}",
				why));
		return;
	}
	answers = cJSON_CreateObject();
	cJSON_AddItemToObject(
		answers, inputs->specs[0].key, cJSON_Duplicate(result, true));
	inputs->done(call, answers);
}

static void ask_now(struct call *call, const cJSON *params, const struct inputs *inputs)
{
	const struct input_spec *spec = inputs->specs;

	if (inputs->count > 1) {
		call_refuse(call, JSONRPC_INVALID_REQUEST,
			"needs several answers at once, which only " PROTOCOL_STATELESS_VERSION
			" has",
			NULL);
	} else if (!call_can_ask(call, spec->capability)) {
		inputs_refuse(call, spec->capability);
	} else {
		call->context = inputs;
		call_ask(call, spec->method,
			compose(spec, json_get(params, "arguments")), on_reply);
	}
}

/* The stateless way */

static bool are_answered(
	const struct call *call, const struct inputs *inputs, const cJSON *answers)
{
	for (unsigned i = 0; i < inputs->count; i++)
		if (call_can_ask(call, inputs->specs[i].capability) &&
			!cJSON_IsObject(json_get(answers, inputs->specs[i].key)))
			return false;
	return cJSON_IsObject(answers);
}

static void require(struct call *call, const cJSON *params, const struct inputs *inputs,
	const char *state)
{
	cJSON *result = json_fill(NULL, "{'resultType': 'input_required'}");
	cJSON *requests = cJSON_AddObjectToObject(result, "inputRequests");

	for (unsigned i = 0; i < inputs->count; i++) {
		const struct input_spec *spec = &inputs->specs[i];
		cJSON *request;

		if (!call_can_ask(call, spec->capability))
			continue;
		request = cJSON_AddObjectToObject(requests, spec->key);
		cJSON_AddStringToObject(request, "method", spec->method);
		cJSON_AddItemToObject(request, "params",
			compose(spec, json_get(params, "arguments")));
	}
	if (!requests->child) {
		cJSON_Delete(result);
		inputs_refuse(call, inputs->specs[0].capability);
		return;
	}
	if (state) {
		SCOPED(mem_free) char *signed_state = NULL;
		char sum[SUM + 1];

		sum_of(state, strlen(state), sum);
		signed_state = mem_textf("%s.%s", state, sum);
		cJSON_AddStringToObject(result, "requestState", signed_state);
	}
	call_answer(call, result);
}

void inputs_ask(struct call *call, const cJSON *params, const struct inputs *inputs,
	const char *state)
{
	const cJSON *answers = json_get(params, "inputResponses");

	if (call->style == PROTOCOL_HANDSHAKE)
		ask_now(call, params, inputs);
	else if (are_answered(call, inputs, answers))
		inputs->done(call, answers);
	else
		require(call, params, inputs, state);
}

#include "mock-mcp/features/prompts.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/features/inputs.h"
#include "mock-mcp/features/samples.h"

#define ARGUMENTS_MAX 2

/* Gives the messages, the caller's. The arguments that are required are strings. */
typedef cJSON *messages_fn(const cJSON *arguments);

struct prompt_argument {
	const char *name; /* NULL ends the list */
	const char *help;
};

struct prompt {
	const char *name, *help;
	messages_fn *messages;
	struct prompt_argument arguments[ARGUMENTS_MAX + 1]; /* all required */
	bool asks; /* it asks the user first, as 2026-07-28 can */
};

/* A list of one message of the user's. Takes content. */
static cJSON *from_user(cJSON *content)
{
	cJSON *list = cJSON_CreateArray();
	cJSON *message = json_fill(NULL, "{'role': 'user'}");

	cJSON_AddItemToObject(message, "content", content);
	cJSON_AddItemToArray(list, message);
	return list;
}

static cJSON *text(const char *words)
{
	return json_fill(NULL, "{'type': 'text', 'text': %s}", words);
}

static cJSON *simple(UNUSED const cJSON *arguments)
{
	return from_user(text("This is a simple prompt for testing."));
}

static cJSON *with_arguments(const cJSON *arguments)
{
	SCOPED(mem_free) char *words =
		mem_textf("Prompt with arguments: arg1='%s', arg2='%s'",
			json_text(arguments, "arg1"), json_text(arguments, "arg2"));

	return from_user(text(words));
}

/* A second message follows the first, in its list. Gives the list. */
static cJSON *then_says(cJSON *list, const char *words)
{
	SCOPED(json_free) cJSON *more = from_user(text(words));

	cJSON_AddItemToArray(list, cJSON_DetachItemFromArray(more, 0));
	return list;
}

static cJSON *with_resource(const cJSON *arguments)
{
	return then_says(
		from_user(json_fill(NULL,
			"{'type': 'resource', 'resource': {'uri': %s, 'mimeType': "
			"'text/plain', 'text': 'Embedded resource content for "
			"testing.'}}",
			json_text(arguments, "resourceUri"))),
		"Please process the embedded resource above.");
}

static cJSON *with_image(UNUSED const cJSON *arguments)
{
	return then_says(
		from_user(json_fill(NULL,
			"{'type': 'image', 'mimeType': 'image/png', 'data': %s}",
			SAMPLE_PNG)),
		"Please analyze the image above.");
}

static const struct prompt prompts[] = {
	{"test_simple_prompt", "One message.", .messages = simple},
	{"test_prompt_with_arguments", "One message, made of two arguments.",
		with_arguments,
		.arguments = {{"arg1", "the first word"}, {"arg2", "the second word"}}},
	{"test_prompt_with_embedded_resource", "A resource and a request.",
		with_resource,
		.arguments = {{"resourceUri", "the URI of the resource"}}},
	{"test_prompt_with_image", "A picture and a request.", .messages = with_image},
	{"test_input_required_result_prompt", "Asks the user for a context first.",
		.asks = true},
};

static cJSON *describe(const struct prompt *prompt)
{
	const struct prompt_argument *argument = prompt->arguments;
	cJSON *node = json_fill(
		NULL, "{'name': %s, 'description': %s}", prompt->name, prompt->help);
	cJSON *list = cJSON_AddArrayToObject(node, "arguments");

	for (; argument->name; argument++)
		cJSON_AddItemToArray(list,
			json_fill(NULL,
				"{'name': %s, 'description': %s, 'required': true}",
				argument->name, argument->help));
	return node;
}

void prompts_list(struct call *call, const cJSON *params)
{
	cJSON *result, *list;

	if (json_get(params, "cursor")) {
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"prompts/list: params.cursor: there is only one page", NULL);
		return;
	}
	result = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(result, "prompts");
	for (unsigned i = 0; i < COUNT(prompts); i++)
		cJSON_AddItemToArray(list, describe(&prompts[i]));
	call_answer_cacheable(call, result);
}

static const struct prompt *find(const char *name)
{
	for (unsigned i = 0; i < COUNT(prompts); i++)
		if (!strcmp(prompts[i].name, name))
			return &prompts[i];
	return NULL;
}

bool prompts_has_argument(const char *prompt, const char *argument)
{
	const struct prompt *found = find(prompt);
	const struct prompt_argument *row = found ? found->arguments : NULL;

	for (; row && row->name; row++)
		if (!strcmp(row->name, argument))
			return true;
	return false;
}

/* The name of an argument that is missing; NULL: none is. */
static const char *missing(const struct prompt *prompt, const cJSON *arguments)
{
	const struct prompt_argument *argument = prompt->arguments;

	for (; argument->name; argument++)
		if (!json_text(arguments, argument->name))
			return argument->name;
	return NULL;
}

/* Takes messages. */
static void answer(struct call *call, const char *help, cJSON *messages)
{
	cJSON *result = json_fill(NULL, "{'description': %s}", help);

	cJSON_AddItemToObject(result, "messages", messages);
	call_answer(call, result);
}

static const struct input_spec context_input[] = {
	{"user_context", PROTOCOL_ELICITATION, "elicitation/create",
		.params =
			"{\"message\":\"What context should the prompt use?\","
			"\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"context\":"
			"{\"type\":\"string\"}},\"required\":[\"context\"]}}"},
};

static void on_context(struct call *call, const cJSON *answers)
{
	const char *context = json_text(
		json_get(json_get(answers, "user_context"), "content"), "context");
	SCOPED(mem_free) char *words =
		mem_textf("Use this context: %s", context ? context : "none");

	answer(call, "A prompt with a context.", from_user(text(words)));
}

static const struct inputs context_inputs = {
	context_input, COUNT(context_input), on_context};

void prompts_get(struct call *call, const cJSON *params)
{
	const char *name = json_text(params, "name");
	const cJSON *arguments = json_get(params, "arguments");
	const struct prompt *prompt = name ? find(name) : NULL;
	const char *absent = prompt ? missing(prompt, arguments) : NULL;
	SCOPED(mem_free) char *why = NULL;

	if (!prompt)
		why = name ? mem_textf("Unknown prompt: %s", name)
			   : mem_text("prompts/get: expected params.name (a string)");
	else if (absent)
		why = mem_textf(
			"prompts/get: expected params.arguments.%s (a string)", absent);
	if (why)
		call_refuse(call, JSONRPC_INVALID_PARAMS, why, NULL);
	else if (prompt->asks)
		inputs_ask(call, params, &context_inputs, NULL);
	else
		answer(call, prompt->help, prompt->messages(arguments));
}

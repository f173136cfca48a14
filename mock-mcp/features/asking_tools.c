#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/features/tool.h"

/* What the client said */

static void on_sampled(struct call *call, const cJSON *answers)
{
	const char *words = json_text(json_get(answers->child, "content"), "text");
	SCOPED(mem_free) char *text =
		mem_textf("LLM response: %s", words ? words : "no text");

	tool_answer_text(call, text);
}

static void answer_response(struct call *call, const char *said, const cJSON *answer)
{
	const cJSON *content = json_get(answer, "content");
	SCOPED(mem_free) char *json = json_print(content ? content : answer);
	const char *action = json_text(answer, "action");
	SCOPED(mem_free) char *text = mem_textf(
		"%s: action=%s, content=%s", said, action ? action : "none", json);

	tool_answer_text(call, text);
}

static void on_elicited(struct call *call, const cJSON *answers)
{
	answer_response(call, "User response", answers->child);
}

static void on_completed(struct call *call, const cJSON *answers)
{
	answer_response(call, "Elicitation completed", answers->child);
}

static void on_name(struct call *call, const cJSON *answers)
{
	const char *name =
		json_text(json_get(json_get(answers, "user_name"), "content"), "name");
	SCOPED(mem_free) char *text = mem_textf("Hello, %s!", name ? name : "stranger");

	tool_answer_text(call, text);
}

static void on_roots(struct call *call, const cJSON *answers)
{
	SCOPED(mem_free) char *roots =
		json_print(json_get(json_get(answers, "client_roots"), "roots"));
	SCOPED(mem_free) char *text = mem_textf("Roots: %s", roots ? roots : "none");

	tool_answer_text(call, text);
}

static void on_all(struct call *call, const cJSON *answers)
{
	SCOPED(mem_free) char *text = json_print(answers);

	tool_answer_text(call, text);
}

static void on_confirmed(struct call *call, UNUSED const cJSON *answers)
{
	tool_answer_text(call, "state-ok");
}

/* What it is asked */

#define ELICIT(message, properties, required)                                          \
	"{\"message\":\"" message "\",\"requestedSchema\":{\"type\":\"object\","       \
	"\"properties\":{" properties "},\"required\":[" required "]}}"
#define STRING        "{\"type\":\"string\"}"
#define NAME(message) ELICIT(message, "\"name\":" STRING, "\"name\"")
#define SAMPLE(text, tokens)                                                           \
	"{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\","            \
	"\"text\":\"" text "\"}}],\"maxTokens\":" tokens "}"

#define ELICITATION PROTOCOL_ELICITATION, "elicitation/create"
#define SAMPLING    PROTOCOL_SAMPLING, "sampling/createMessage"
#define ROOTS       PROTOCOL_ROOTS, "roots/list", .params = "{}"

static const struct input_spec sample[] = {
	{"sample", SAMPLING, .params = SAMPLE("", "100"), .argument = "prompt",
		.place = "messages.0.content.text"},
};
static const struct input_spec elicit[] = {
	{"user", ELICITATION,
		.params = ELICIT("",
			"\"username\":{\"type\":\"string\",\"description\":\"User's "
			"response\"},\"email\":{\"type\":\"string\",\"description\":"
			"\"User's email address\"}",
			"\"username\",\"email\""),
		.argument = "message", .place = "message"},
};
static const struct input_spec defaults[] = {
	{"profile", ELICITATION,
		.params = ELICIT(
			"Please review and update the form fields with defaults",
			"\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
			"\"age\":{\"type\":\"integer\",\"default\":30},"
			"\"score\":{\"type\":\"number\",\"default\":95.5},"
			"\"status\":{\"type\":\"string\",\"enum\":[\"active\","
			"\"inactive\",\"pending\"],\"default\":\"active\"},"
			"\"verified\":{\"type\":\"boolean\",\"default\":true}",
			"")},
};

#define OPTIONS "\"option1\",\"option2\",\"option3\""
#define TITLED                                                                         \
	"[{\"const\":\"value1\",\"title\":\"First Option\"},{\"const\":\"value2\","    \
	"\"title\":\"Second Option\"},{\"const\":\"value3\",\"title\":\"Third "        \
	"Option\"}]"

static const struct input_spec enums[] = {
	{"choices", ELICITATION,
		.params = ELICIT("Please select options from the enum fields",
			"\"untitledSingle\":{\"type\":\"string\",\"enum\":[" OPTIONS
			"]},\"titledSingle\":{\"type\":\"string\",\"oneOf\":" TITLED
			"},\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\","
			"\"opt2\",\"opt3\"],\"enumNames\":[\"Option One\",\"Option "
			"Two\",\"Option Three\"]},\"untitledMulti\":{\"type\":"
			"\"array\",\"items\":{\"type\":\"string\",\"enum\":[" OPTIONS
			"]}},\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":" TITLED
			"}}",
			"")},
};
static const struct input_spec name[] = {
	{"user_name", ELICITATION, .params = NAME("What is your name?")},
};
static const struct input_spec capital[] = {
	{"capital_question", SAMPLING,
		.params = SAMPLE("What is the capital of France?", "100")},
};
static const struct input_spec roots[] = {
	{"client_roots", ROOTS},
};
static const struct input_spec all[] = {
	{"user_name", ELICITATION, .params = NAME("What is your name?")},
	{"greeting", SAMPLING, .params = SAMPLE("Generate a greeting", "50")},
	{"client_roots", ROOTS},
};
static const struct input_spec confirm[] = {
	{"confirm", ELICITATION,
		.params = ELICIT(
			"Please confirm", "\"ok\":{\"type\":\"boolean\"}", "\"ok\"")},
};
static const struct input_spec step1[] = {
	{"step1", ELICITATION, .params = NAME("Step 1: What is your name?")},
};
static const struct input_spec step2[] = {
	{"step2", ELICITATION,
		.params = ELICIT("Step 2: What is your favorite color?",
			"\"color\":" STRING, "\"color\"")},
};

#define INPUTS(specs, done)                                                            \
	{                                                                              \
		specs, COUNT(specs), done                                              \
	}

static const struct inputs sample_inputs = INPUTS(sample, on_sampled),
			   elicit_inputs = INPUTS(elicit, on_elicited),
			   defaults_inputs = INPUTS(defaults, on_completed),
			   enums_inputs = INPUTS(enums, on_completed),
			   name_inputs = INPUTS(name, on_name),
			   capital_inputs = INPUTS(capital, on_sampled),
			   roots_inputs = INPUTS(roots, on_roots),
			   all_inputs = INPUTS(all, on_all),
			   confirm_inputs = INPUTS(confirm, on_confirmed),
			   step2_inputs = INPUTS(step2, on_all);

/* Tools that give the client a state to bring back */

static void ask_with_state(
	struct call *call, const cJSON *params, const struct inputs *inputs)
{
	SCOPED(mem_free) char *state = NULL;

	if (inputs_state(call, params, &state))
		inputs_ask(call, params, inputs, "asked");
}

static void ask_all(struct call *call, const cJSON *params)
{
	ask_with_state(call, params, &all_inputs);
}

static void ask_to_confirm(struct call *call, const cJSON *params)
{
	ask_with_state(call, params, &confirm_inputs);
}

static const struct inputs step1_inputs;

/* The second question comes after the first was answered. */
static void ask_twice(struct call *call, const cJSON *params)
{
	SCOPED(mem_free) char *state = NULL;

	if (!inputs_state(call, params, &state))
		return;
	if (state && !strcmp(state, "second"))
		inputs_ask(call, params, &step2_inputs, "second");
	else
		inputs_ask(call, params, &step1_inputs, "first");
}

/* Nothing of the first answer is in params of the second question. */
static void on_first(struct call *call, UNUSED const cJSON *answers)
{
	inputs_ask(call, NULL, &step2_inputs, "second");
}

static const struct inputs step1_inputs = INPUTS(step1, on_first);

static void need_sampling(struct call *call, UNUSED const cJSON *params)
{
	if (call_can_ask(call, PROTOCOL_SAMPLING))
		tool_answer_text(call, "The client can sample.");
	else
		inputs_refuse(call, PROTOCOL_SAMPLING);
}

#define TEXT(name, text)                                                               \
	{                                                                              \
		{                                                                      \
			name, TOOL_PARAM_TEXT, .help = text                            \
		}                                                                      \
	}

static const struct tool tools[] = {
	{"test_sampling", "Asks the client's model.", .inputs = &sample_inputs,
		.params = TEXT("prompt", "what to ask it")},
	{"test_elicitation", "Asks the user for a name and an address.",
		.inputs = &elicit_inputs, .params = TEXT("message", "what to say")},
	{"test_elicitation_sep1034_defaults", "Asks the user, with defaults.",
		.inputs = &defaults_inputs},
	{"test_elicitation_sep1330_enums", "Asks the user, with choices.",
		.inputs = &enums_inputs},
	{"test_missing_capability", "Needs a client that can sample.",
		.begin = need_sampling},
	{"test_streaming_elicitation", "Asks the user for a name.",
		.inputs = &name_inputs},
	{"test_input_required_result_elicitation", "Asks the user for a name.",
		.inputs = &name_inputs},
	{"test_input_required_result_sampling", "Asks the client's model.",
		.inputs = &capital_inputs},
	{"test_input_required_result_list_roots", "Asks for the client's roots.",
		.inputs = &roots_inputs},
	{"test_input_required_result_capabilities",
		"Asks for all that the client can give.", .inputs = &all_inputs},
	{"test_input_required_result_request_state", "Asks, with a state.",
		.begin = ask_to_confirm},
	{"test_input_required_result_tampered_state", "Asks, with a state.",
		.begin = ask_to_confirm},
	{"test_input_required_result_multiple_inputs", "Asks for three things.",
		.begin = ask_all},
	{"test_input_required_result_multi_round", "Asks twice.", .begin = ask_twice},
};

const struct tool_table tool_table_asking = {tools, COUNT(tools)};

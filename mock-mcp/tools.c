#include "mock-mcp/tools.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "lib/err.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/suggest.h"

#define PARAMS_MAX 4

enum param_kind {
	PARAM_TEXT = 1,
	PARAM_NUMBER,
	PARAM_WHOLE,
};

struct param {
	const char *name; /* NULL ends the list */
	enum param_kind kind;
	const char *help;
	double min, max; /* both 0: any */
	bool optional;
};

/* Appends the answer. The arguments have been checked against the parameters. */
typedef bool tool_run_fn(const cJSON *arguments, struct buf *answer, struct err *err);

struct tool {
	const char *name;
	const char *help;
	tool_run_fn *run;
	struct param params[PARAMS_MAX + 1];
};

static double number(const cJSON *arguments, const char *name, double fallback)
{
	const cJSON *node = json_get(arguments, name);

	return node ? node->valuedouble : fallback;
}

static bool echo(const cJSON *arguments, struct buf *answer, UNUSED struct err *err)
{
	return buf_adds(answer, json_text(arguments, "text"));
}

static bool add(const cJSON *arguments, struct buf *answer, struct err *err)
{
	double sum = number(arguments, "a", 0) + number(arguments, "b", 0);
	SCOPED(json_free) cJSON *node = cJSON_CreateNumber(sum);
	SCOPED(mem_free) char *text = json_print(node);

	if (!isfinite(sum))
		return err_set(err, "the sum is too large");
	return buf_adds(answer, text);
}

static bool compound(const cJSON *arguments, struct buf *answer, struct err *err)
{
	double principal = number(arguments, "principal", 0);
	double rate = number(arguments, "rate", 0);
	double years = number(arguments, "years", 0);
	double times = number(arguments, "times_per_year", 1);
	double amount = principal * pow(1 + rate / 100 / times, times * years);

	if (!isfinite(amount))
		return err_set(err, "the amount is too large");
	return buf_addf(answer, "%.2f after %g years at %g%%: interest %.2f", amount,
		years, rate, amount - principal);
}

static bool word_count(
	const cJSON *arguments, struct buf *answer, UNUSED struct err *err)
{
	size_t words = 0, lines = 0, characters = 0;
	bool in_word = false;
	const char *c;

	for (c = json_text(arguments, "text"); *c; c++) {
		bool space = isspace((unsigned char)*c);

		words += !space && !in_word;
		lines += *c == '\n';
		characters += ((unsigned char)*c & 0xc0) != 0x80;
		in_word = !space;
	}
	return buf_addf(answer, "%zu words, %zu characters, %zu line ends", words,
		characters, lines);
}

static const struct tool tools[] = {
	{"echo", "Gives back the text.", echo,
		{{"text", PARAM_TEXT, .help = "what to give back"}}},
	{"add", "Adds two numbers.", add,
		{{"a", PARAM_NUMBER, .help = "the one"},
			{"b", PARAM_NUMBER, .help = "the other"}}},
	{"compound", "Compound interest: what an amount of money grows to.", compound,
		{{"principal", PARAM_NUMBER, .help = "the amount at the start"},
			{"rate", PARAM_NUMBER, .help = "interest a year, in percent",
				.min = -100, .max = 10000},
			{"years", PARAM_NUMBER, .help = "how long", .max = 10000},
			{"times_per_year", PARAM_WHOLE,
				.help = "how often interest is added a year; once "
					"when absent",
				.min = 1, .max = 366, .optional = true}}},
	{"word_count", "Counts the words, characters and line ends of a text.",
		word_count, {{"text", PARAM_TEXT, .help = "what to count"}}},
};

static cJSON *param_schema(const struct param *param)
{
	static const char *const names[] = {
		[PARAM_TEXT] = "string",
		[PARAM_NUMBER] = "number",
		[PARAM_WHOLE] = "integer",
	};
	cJSON *schema = json_fill(NULL, "{'type': %s, 'description': %s}",
		names[param->kind], param->help);

	if (param->min != 0 || param->max != 0)
		json_fill(schema, "{'minimum': %g, 'maximum': %g}", param->min,
			param->max);
	return schema;
}

static cJSON *tool_schema(const struct tool *tool)
{
	cJSON *schema =
		json_fill(NULL, "{'type': 'object', 'additionalProperties': false}");
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
	cJSON *required = cJSON_AddArrayToObject(schema, "required");

	for (const struct param *param = tool->params; param->name; param++) {
		cJSON_AddItemToObject(properties, param->name, param_schema(param));
		if (!param->optional)
			cJSON_AddItemToArray(required, cJSON_CreateString(param->name));
	}
	return schema;
}

cJSON *tools_list(void)
{
	cJSON *list = cJSON_CreateArray();

	for (unsigned i = 0; i < COUNT(tools); i++) {
		cJSON *tool = json_fill(NULL, "{'name': %s, 'description': %s}",
			tools[i].name, tools[i].help);

		cJSON_AddItemToObject(tool, "inputSchema", tool_schema(&tools[i]));
		cJSON_AddItemToArray(list, tool);
	}
	return list;
}

const struct tool *tools_find(const char *name)
{
	for (unsigned i = 0; i < COUNT(tools); i++)
		if (!strcmp(tools[i].name, name))
			return &tools[i];
	return NULL;
}

const char *tools_suggest(const char *name)
{
	const char *names[COUNT(tools)];

	for (unsigned i = 0; i < COUNT(tools); i++)
		names[i] = tools[i].name;
	return suggest_name(name, names, COUNT(names));
}

static bool check_argument(
	const struct param *param, const cJSON *node, struct err *err)
{
	double value;

	if (!node)
		return param->optional || err_set(err, "%s: missing", param->name);
	if (param->kind == PARAM_TEXT)
		return cJSON_IsString(node) ||
			err_set(err, "%s: expected a string", param->name);
	value = node->valuedouble;
	if (!cJSON_IsNumber(node) || !isfinite(value))
		return err_set(err, "%s: expected a number", param->name);
	if (param->kind == PARAM_WHOLE && value != trunc(value))
		return err_set(err, "%s: expected a whole number", param->name);
	if ((param->min != 0 || param->max != 0) &&
		(value < param->min || value > param->max))
		return err_set(err, "%s: expected %g to %g", param->name, param->min,
			param->max);
	return true;
}

static bool check_arguments(
	const struct tool *tool, const cJSON *arguments, struct err *err)
{
	const struct param *param;
	const cJSON *node;

	for (param = tool->params; param->name; param++)
		if (!check_argument(param, json_get(arguments, param->name), err))
			return false;
	cJSON_ArrayForEach(node, arguments) {
		for (param = tool->params; param->name; param++)
			if (!strcmp(param->name, node->string))
				break;
		if (!param->name)
			return err_set(err, "%.64s: no such argument", node->string);
	}
	return true;
}

cJSON *tools_call(const struct tool *tool, const cJSON *arguments)
{
	SCOPED(buf_done) struct buf answer = {0};
	struct err err = {0};
	bool done = check_arguments(tool, arguments, &err) &&
		tool->run(arguments, &answer, &err);
	cJSON *result = json_fill(NULL, "{'content': [{'type': 'text', 'text': %s}]}",
		done ? buf_text(&answer) : err.text);

	return json_fill(result, done ? "{}" : "{'isError': true}");
}

void tools_help(struct buf *text)
{
	for (unsigned i = 0; i < COUNT(tools); i++)
		buf_addf(text, "  %-12s %s\n", tools[i].name, tools[i].help);
}

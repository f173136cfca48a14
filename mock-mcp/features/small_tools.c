#include <ctype.h>
#include <math.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/features/tool.h"

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
		.params = {{"text", TOOL_PARAM_TEXT, .help = "what to give back"}}},
	{"add", "Adds two numbers.", add,
		.params = {{"a", TOOL_PARAM_NUMBER, .help = "the one"},
			{"b", TOOL_PARAM_NUMBER, .help = "the other"}}},
	{"compound", "Compound interest: what an amount of money grows to.", compound,
		.params = {{"principal", TOOL_PARAM_NUMBER,
				   .help = "the amount at the start"},
			{"rate", TOOL_PARAM_NUMBER,
				.help = "interest a year, in percent", .min = -100,
				.max = 10000},
			{"years", TOOL_PARAM_NUMBER, .help = "how long", .max = 10000},
			{"times_per_year", TOOL_PARAM_WHOLE,
				.help = "how often interest is added a year; once "
					"when absent",
				.min = 1, .max = 366, .optional = true}}},
	{"word_count", "Counts the words, characters and line ends of a text.",
		word_count,
		.params = {{"text", TOOL_PARAM_TEXT, .help = "what to count"}}},
};

const struct tool_table tool_table_small = {tools, COUNT(tools)};

#include "harness/report/what_if_table.h"

#include <string.h>

#include "harness/results/case_rounds.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define INDENT 6

static void print_change(const cJSON *change, const char *verdict,
	const struct terminal *terminal, FILE *out)
{
	const char *then = json_text(change, "verdict");
	bool other = then && verdict && strcmp(then, verdict) != 0;
	SCOPED(mem_free)
	char *text = mem_textf("%s %s -> %s: %s%s%s", json_text(change, "knob"),
		json_text(change, "from"), json_text(change, "to"),
		json_text(change, "says"), other ? ", and is " : "", other ? then : "");

	terminal_paragraph(terminal, out, INDENT, text);
	terminal_paragraph(terminal, out, INDENT + 4, json_text(change, "what"));
}

void what_if_table_print(const cJSON *changes, const char *verdict,
	const struct terminal *terminal, FILE *out)
{
	const cJSON *change;

	if (!changes || !changes->child) {
		terminal_item(terminal, out, INDENT,
			"What if:", "nothing that held it up hangs on the scenario");
		return;
	}
	fputs("  What if? Run again with one change each, in turn with the case as it "
	      "is:\n",
		out);
	cJSON_ArrayForEach(change, changes)
		print_change(change, verdict, terminal, out);
}

void what_if_tables_print(const cJSON *results, FILE *out)
{
	const struct terminal terminal = terminal_of(out);
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		const cJSON *changes = json_get(round, "what_if");
		const char *verdict = json_text(round, "verdict");
		int64_t stop_ns = json_int(round, "stop_ns", 0);
		SCOPED(mem_free) char *title =
			changes ? case_rounds_title(round) : NULL;

		if (!changes)
			continue;
		terminal_print(
			out, "%s: %s after %s\n", title, verdict, CLOCK_TEXT(stop_ns));
		what_if_table_print(changes, verdict, &terminal, out);
		fputs("\n", out);
	}
}

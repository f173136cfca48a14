#include "harness/report/proved.h"

#include <string.h>

#include "harness/report/table.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define INDENT "  "

/* The rounds of one scenario. */
struct claim {
	const cJSON *first;
	unsigned rounds, met, not_run;
};

static void print_claim(
	const struct terminal *terminal, FILE *out, const struct claim *claim)
{
	const char *id = json_text(claim->first, "id");
	const char *why = json_text(claim->first, "why");
	const char *name = json_text(claim->first, "name");
	bool met = claim->met == claim->rounds;
	unsigned unmet = claim->rounds - claim->met - claim->not_run;
	SCOPED(mem_free) char *count = met
		? mem_textf("%u run%s", claim->rounds, claim->rounds == 1 ? "" : "s")
		: mem_textf("of %u runs %u went otherwise, %u not at all",
			  claim->rounds, unmet, claim->not_run);
	SCOPED(mem_free) char *text = mem_textf("%s by %s (%s): %s",
		met ? "Proved" : "NOT PROVED", id ? id : "?", count,
		why            ? why
			: name ? name
			       : "");

	terminal_fold(terminal, out, "", INDENT, text);
}

void proved_print(FILE *out, const cJSON *results)
{
	const struct terminal terminal = terminal_of(out);
	struct claim claim = {0};
	const cJSON *round;

	table_print(out, results);
	fputs("\n", out);
	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		if (claim.first &&
			!cJSON_Compare(json_get(round, "id"),
				json_get(claim.first, "id"), true)) {
			print_claim(&terminal, out, &claim);
			claim = (struct claim){0};
		}
		if (!claim.first)
			claim.first = round;
		claim.rounds++;
		if (!json_bool(round, "could_run", false))
			claim.not_run++;
		else
			claim.met += json_bool(round, "met", false);
	}
	if (claim.first)
		print_claim(&terminal, out, &claim);
	fputs("\n", out);
}

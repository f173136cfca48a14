#include "harness/report/cure_table.h"

#include <string.h>

#include "harness/results/case_rounds.h"
#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/verdict.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define INDENT     6
#define NAME_WIDTH 16 /* the least */

static bool has_verdict(const cJSON *cure, enum verdict verdict)
{
	const char *name = json_text(cure, "verdict");

	return name && strcmp(name, verdict_names[verdict]) == 0;
}

static bool is_clean(const cJSON *cure)
{
	return has_verdict(cure, VERDICT_CLEAN);
}

/* Exit code 143 of a program without a handler, for one. */
static bool is_in_time(const cJSON *cure)
{
	return has_verdict(cure, VERDICT_SLOW) || has_verdict(cure, VERDICT_DIRTY);
}

/* "12.3ms"; "> 30.0s" of one that was killed when that time was over; the caller's. */
static char *stop_text(const cJSON *cure)
{
	int64_t stop_ns = json_int(cure, "stop_ns", -1);

	if (has_verdict(cure, VERDICT_KILLED))
		return mem_textf("> %s", CLOCK_TEXT(json_int(cure, "grace_ns", 0)));
	return mem_text(stop_ns < 0 ? "-" : CLOCK_TEXT(stop_ns));
}

/* Of a program that was ended by the signal and did nothing for its stop, which an exit
 * in time hides. */
static void print_own_death(
	const cJSON *cure, const struct terminal *terminal, FILE *out)
{
	const char *diagnosis = json_text(cure, "diagnosis");
	int code = (int)json_int(cure, "exit_code", -1);
	SCOPED(mem_free) char *text = NULL;

	if (!diagnosis || strcmp(diagnosis, diagnosis_ids[DIAGNOSIS_X9]) != 0 ||
		code <= 128)
		return;
	text = mem_textf("%d is the program's own death by %s: it has no handler, so "
			 "nothing of its work was finished or saved",
		code, signal_name(code - 128, (char[SIGNAL_TEXT_SIZE]){0}));
	terminal_paragraph(terminal, out, INDENT + 2, text);
}

static void print_row(
	const cJSON *cure, int width, const struct terminal *terminal, FILE *out)
{
	const char *verdict = json_text(cure, "verdict");
	const char *trouble = json_text(cure, "trouble");
	int64_t exit_code = json_int(cure, "exit_code", -1);
	SCOPED(mem_free) char *name =
		terminal_fit(terminal, json_text(cure, "cure"), 0);
	SCOPED(mem_free) char *stop = stop_text(cure);
	SCOPED(mem_free)
	char *code =
		exit_code < 0 ? mem_text("-") : mem_textf("%lld", (long long)exit_code);

	fprintf(out, "%*s%-*s %4s %8s  %s%s%s\n", INDENT, "", width, name, code, stop,
		is_clean(cure) ? terminal->green : "", verdict ? verdict : "not run",
		is_clean(cure) ? terminal->plain : "");
	if (trouble)
		terminal_paragraph(terminal, out, INDENT + 2, trouble);
	print_own_death(cure, terminal, out);
}

static bool is_two(const cJSON *cure)
{
	return json_bool(cure, "two", false);
}

/* What a user writes for each of those, two cures only where none does it alone; false:
 * there is none. */
static bool print_those(const cJSON *cures, bool (*is_one)(const cJSON *cure),
	const char *label, const struct terminal *terminal, FILE *out)
{
	const cJSON *cure;
	bool found = false, alone = false;

	cJSON_ArrayForEach(cure, cures)
		alone = alone || (is_one(cure) && !is_two(cure));

	cJSON_ArrayForEach(cure, cures) {
		SCOPED(mem_free)
		char *text = mem_textf(
			"%s: %s", json_text(cure, "cure"), json_text(cure, "how"));

		if (!is_one(cure) || (alone && is_two(cure)))
			continue;
		terminal_item(terminal, out, INDENT, label, text);
		found = true;
	}
	return found;
}

void cure_table_print(const cJSON *cures, const char *verdict,
	const struct terminal *terminal, FILE *out)
{
	const cJSON *cure;
	int width = NAME_WIDTH;
	bool has_two = false;

	if (!cures || !cures->child) {
		terminal_item(terminal, out, INDENT,
			"Cures:", "there is none that can be tried from outside");
		return;
	}
	cJSON_ArrayForEach(cure, cures) {
		int len = (int)strlen(json_text(cure, "cure"));

		width = len > width ? len : width;
		has_two = has_two || is_two(cure);
	}
	fprintf(out, "  Run again, with one cure each%s:\n",
		has_two ? "; none was clean, so with two" : "");
	fprintf(out, "%*s%-*s %4s %8s  %s\n", INDENT, "", width, "CURE", "EXIT", "STOP",
		"VERDICT");
	cJSON_ArrayForEach(cure, cures)
		print_row(cure, width, terminal, out);
	if (print_those(cures, is_clean, "Clean with", terminal, out))
		return;
	terminal_item(terminal, out, INDENT, "", "None of them makes the stop clean.");
	if (strcmp(verdict, verdict_names[VERDICT_KILLED]) == 0)
		print_those(cures, is_in_time, "In time with", terminal, out);
}

void cure_tables_print(const cJSON *results, FILE *out)
{
	const struct terminal terminal = terminal_of(out);
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		const cJSON *cures = json_get(round, "cures");
		SCOPED(mem_free) char *title = cures ? case_rounds_title(round) : NULL;

		if (!cures)
			continue;
		terminal_print(out, "%s: %s\n", title, json_text(round, "verdict"));
		cure_table_print(cures, json_text(round, "verdict"), &terminal, out);
		fputs("\n", out);
	}
}

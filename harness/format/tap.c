#include "harness/format/tap.h"

#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/case_rounds.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

/* "#" would begin a directive. */
static void put_description(FILE *out, const char *text)
{
	SCOPED(mem_free) char *line = utf8_mend(text, "");

	for (const char *at = line; *at; at++) {
		if (*at == '\\' || *at == '#')
			fputs("\\", out);
		fputc(*at, out);
	}
}

/* A JSON text is one of YAML, too; a reader of a part of YAML may know no \uXXXX. */
static void put_value(FILE *out, const char *key, const cJSON *value)
{
	SCOPED(mem_free)
	char *line = cJSON_IsString(value) ? utf8_mend(value->valuestring, "") : NULL;
	SCOPED(json_free) cJSON *text = line ? cJSON_CreateString(line) : NULL;
	SCOPED(mem_free) char *printed = NULL;

	if (!value || cJSON_IsNull(value) || (line && !line[0]))
		return;
	printed = json_print(text ? text : value);
	fprintf(out, "  %s: %s\n", key, printed);
}

/* As one text: TAP::Parser takes a text with a colon in a list for an object. */
static cJSON *joined(const struct strlist *list)
{
	SCOPED(buf_done) struct buf text = {0};

	for (unsigned i = 0; i < list->count; i++)
		buf_addf(&text, "%s%s", i ? "; " : "", list->item[i]);
	return cJSON_CreateString(buf_text(&text));
}

static void put_case(FILE *out, unsigned number, const struct table_row *row)
{
	static const char *const members[] = {"verdict", "reason", "stop_ns",
		"grace_ns", "stop_over_limit", "exit_code", "trouble", "file", "line",
		"command"};
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);
	SCOPED(json_free) cJSON *why = cJSON_CreateString(row->why);
	SCOPED(json_free) cJSON *unmet = joined(&row->unmet);

	fprintf(out, "%sok %u - ", row->met && !row->known ? "" : "not ", number);
	put_description(out, title);
	if (row->known) {
		fputs(" # TODO ", out);
		put_description(out, row->known);
	}
	fputs("\n  ---\n", out);
	put_value(out, "message", why);
	for (size_t i = 0; i < COUNT(members); i++)
		put_value(out, members[i], json_get(row->worst, members[i]));
	put_value(out, "unmet", unmet);
	fputs("  ...\n", out);
}

void tap_print(FILE *out, const cJSON *results)
{
	int64_t passed_over = json_int(json_get(results, "summary"), "passed_over", 0);
	struct table_rows rows;

	table_rows_fold(&rows, results);
	fprintf(out, "TAP version 14\n1..%u%s\n", rows.count,
		rows.count ? "" : " # SKIP there is no case");
	for (unsigned i = 0; i < rows.count; i++)
		put_case(out, i + 1, &rows.list[i]);
	if (passed_over)
		fprintf(out, "# %lld cases are not for this engine\n",
			(long long)passed_over);
	table_rows_done(&rows);
}

#include "harness/format/github.h"

#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/case_rounds.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

/* One line, without a character that ends a property or a command. */
static void put(FILE *out, const char *text, const char *special)
{
	SCOPED(mem_free) char *line = utf8_mend(text ? text : "", "");

	for (const char *at = line; *at; at++) {
		if (strchr(special, *at))
			fprintf(out, "%%%02X", (unsigned)*at);
		else
			fputc(*at, out);
	}
}

static void put_property(FILE *out, const char *text)
{
	put(out, text, "%:,");
}

static void put_message(FILE *out, const char *text)
{
	put(out, text, "%");
}

static void put_case(FILE *out, const struct table_row *row)
{
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);

	fprintf(out, "::%s file=", row->not_run ? "warning" : "error");
	put_property(out, json_text(row->worst, "file"));
	fprintf(out, ",line=%lld,title=", (long long)json_int(row->worst, "line", 1));
	put_property(out, title);
	put_property(out, ": ");
	put_property(out,
		row->not_run             ? "could not run"
			: row->regressed ? "regression"
					 : json_text(row->worst, "verdict"));
	fputs("::", out);
	if (row->regressed)
		put_message(out, row->unmet.item[0]);
	else
		put_message(
			out, row->why[0] ? row->why : json_text(row->worst, "reason"));
	for (unsigned i = row->regressed; i < row->unmet.count; i++) {
		fputs("%0A", out);
		put_message(out, row->unmet.item[i]);
	}
	fputs("\n", out);
}

void github_print(FILE *out, const cJSON *results)
{
	struct table_rows rows;

	table_rows_fold(&rows, results);
	for (unsigned i = 0; i < rows.count; i++) {
		if (!rows.list[i].met)
			put_case(out, &rows.list[i]);
	}
	table_rows_done(&rows);
}

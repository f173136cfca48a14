#include "harness/format/csv.h"

#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

static const char *const columns[] = {"id", "half", "axes", "round", "warm_up",
	"engine", "seed", "verdict", "met", "could_run", "stop_ns", "stop_error_ns",
	"grace_ns", "margin_ns", "limit_ns", "stop_over_limit", "exit_code",
	"wait_status", "sessions", "disconnected", "orphans", "lost", "turned_away",
	"trouble", "reason", "file", "line", "command"};

static void put_text(FILE *out, const char *text)
{
	SCOPED(mem_free) char *line = utf8_mend(text, "");

	fputs("\"", out);
	if (line[0] && strchr("=+-@", line[0]))
		fputs("'", out);
	for (const char *at = line; *at; at++) {
		if (*at == '"')
			fputs("\"", out);
		fputc(*at, out);
	}
	fputs("\"", out);
}

/* Numbers and truth values as they are; what is not known is empty. */
static void put_value(FILE *out, const cJSON *value)
{
	SCOPED(mem_free) char *text = NULL;

	if (!value || cJSON_IsNull(value))
		return;
	if (cJSON_IsString(value)) {
		put_text(out, value->valuestring);
		return;
	}
	text = json_print(value);
	if (cJSON_IsObject(value) || cJSON_IsArray(value))
		put_text(out, text);
	else
		fputs(text, out);
}

void csv_print(FILE *out, const cJSON *results)
{
	const cJSON *round;

	for (size_t i = 0; i < COUNT(columns); i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i]);
	fputs("\r\n", out);
	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		for (size_t i = 0; i < COUNT(columns); i++) {
			fputs(i ? "," : "", out);
			put_value(out, json_get(round, columns[i]));
		}
		fputs("\r\n", out);
	}
}

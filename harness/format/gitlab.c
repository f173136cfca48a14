#include "harness/format/gitlab.h"

#include <inttypes.h>
#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/case_rounds.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/utf8.h"

/* The same in every run, whatever the cause: another text is the news, not another issue. */
static void add_fingerprint(cJSON *issue, const char *title, bool not_run)
{
	char text[24];

	snprintf(text, sizeof text, "%016" PRIx64,
		hash_text(hash_text(HASH_BASIS, title), not_run ? "not run" : "unmet"));
	cJSON_AddStringToObject(issue, "fingerprint", text);
}

/* GitLab takes paths from the top of the repository. */
static const char *path_of(const cJSON *round)
{
	const char *path = json_text(round, "file");

	if (!path)
		return "";
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return path;
}

static cJSON *issue_of(const struct table_row *row)
{
	const char *verdict = json_text(row->worst, "verdict");
	const char *check = row->not_run ? "could-not-run"
		: row->regressed         ? "regression"
		: row->id[0]             ? row->id
		: verdict                ? verdict
					 : "unmet";
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);
	SCOPED(mem_free)
	char *text = mem_textf("%s: %s", title,
		row->why[0]                ? row->why
			: row->unmet.count ? row->unmet.item[0]
					   : json_text(row->worst, "reason"));
	SCOPED(mem_free) char *line = utf8_mend(text, "");
	cJSON *issue =
		json_fill(NULL, "{'description': %s, 'check_name': %s, 'severity': %s}",
			line, check, row->not_run ? "minor" : "major");
	cJSON *location = cJSON_AddObjectToObject(issue, "location");

	add_fingerprint(issue, title, row->not_run);
	cJSON_AddStringToObject(location, "path", path_of(row->worst));
	json_add_int(cJSON_AddObjectToObject(location, "lines"), "begin",
		json_int(row->worst, "line", 1));
	return issue;
}

void gitlab_print(FILE *out, const cJSON *results)
{
	SCOPED(json_free) cJSON *issues = cJSON_CreateArray();
	SCOPED(mem_free) char *text = NULL;
	struct table_rows rows;

	table_rows_fold(&rows, results);
	for (unsigned i = 0; i < rows.count; i++) {
		if (!rows.list[i].met)
			cJSON_AddItemToArray(issues, issue_of(&rows.list[i]));
	}
	table_rows_done(&rows);
	text = json_print_inert(issues, true);
	fprintf(out, "%s\n", text);
}

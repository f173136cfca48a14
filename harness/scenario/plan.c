#include "harness/scenario/plan.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/scenario/combine.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

/* One file while it is planned. */
struct planning {
	struct plan *plan;
	const struct plan_options *options;
	const char *path;
	struct json_doc doc;
	struct combination combination; /* the one at hand */
};

/* "scenarios/history/10-matrix.json" is "history/10-matrix". */
static char *id_of(const char *path)
{
	static const char folder[] = "scenarios/";
	const char *inside = strstr(path, folder);
	const char *from = inside ? inside + strlen(folder) : path;
	size_t len = strlen(from);

	if (len > 5 && strcmp(from + len - 5, ".json") == 0)
		len -= 5;
	return mem_textf("%.*s", (int)len, from);
}

/* `stopbench run` with these runs the case alone. */
static char *alone_of(const struct planning *planning, enum half half)
{
	struct buf text = {0};

	buf_addf(&text, "%s", planning->path);
	for (unsigned i = 0; i < planning->combination.axis_count; i++)
		buf_addf(&text, " --set '%s=%s'", planning->combination.axes[i].path,
			planning->combination.axes[i].text);
	for (unsigned i = 0; planning->options->sets && planning->options->sets[i]; i++)
		buf_addf(&text, " --set '%s'", planning->options->sets[i]);
	buf_addf(&text, " --half %s", half == HALF_MAIN ? "main" : "twin");
	return buf_take(&text);
}

static char *axes_of(const struct combination *combination)
{
	struct buf text = {0};

	for (unsigned i = 0; i < combination->axis_count; i++)
		buf_addf(&text, "%s%s=%s", i ? " " : "", combination->axes[i].path,
			combination->axes[i].text);
	return text.data ? buf_take(&text) : mem_text("");
}

static void free_case(struct plan_case *plan_case)
{
	scenario_done(&plan_case->scenario);
	free(plan_case->id);
	free(plan_case->axes);
	free(plan_case->path);
	free(plan_case->alone);
	free(plan_case->json);
	free(plan_case);
}

static bool add_case(struct planning *planning, const cJSON *root, enum half half,
	struct err *err)
{
	struct plan *plan = planning->plan;
	struct plan_case *plan_case;

	if (plan->count == PLAN_CASES_MAX)
		return json_doc_wrong(&planning->doc, planning->doc.root, err,
			"more than %d cases", PLAN_CASES_MAX);
	plan_case = mem_zeroed(sizeof *plan_case);
	if (!scenario_read(&plan_case->scenario, &planning->doc, root, err)) {
		free(plan_case);
		return false;
	}
	plan_case->id = id_of(planning->path);
	plan_case->axes = axes_of(&planning->combination);
	plan_case->path = mem_text(planning->path);
	plan_case->alone = alone_of(planning, half);
	plan_case->json = cJSON_Print(root);
	plan_case->half = half;
	plan->cases = mem_grown(plan->cases, plan->count + 1, sizeof(struct plan_case *));
	plan->cases[plan->count++] = plan_case;
	return true;
}

/* The main half, and the same with the twin's one change and its own expect. */
static bool add_halves(struct planning *planning, cJSON *root, struct err *err)
{
	const struct plan_options *options = planning->options;
	SCOPED(json_free) cJSON *twin = cJSON_DetachItemFromObjectCaseSensitive(root, "twin");
	struct err why;

	if (!options->twin_only && !add_case(planning, root, HALF_MAIN, err))
		return false;
	if (!twin || options->main_only)
		return true;
	if (!combine_twin(root, &planning->doc, twin, err))
		return false;
	if (add_case(planning, root, HALF_TWIN, err))
		return true;
	why = *err;
	return json_doc_wrong(&planning->doc, json_get(planning->doc.root, "twin"), err,
		"twin: %s", why.text);
}

static bool add_combination(void *arg, const struct combination *combination, cJSON *root,
	struct err *err)
{
	struct planning *planning = arg;
	const cJSON *matrix = json_get(planning->doc.root, "matrix");
	struct err why;

	planning->combination = *combination;
	if (add_halves(planning, root, err))
		return true;
	/* The values came from elsewhere in the file: say from where. */
	why = *err;
	if (!matrix)
		return false;
	return json_doc_wrong(&planning->doc, matrix, err, "matrix: %s", why.text);
}

static bool add_file(struct plan *plan, const char *path, const struct plan_options *options,
	struct err *err)
{
	struct planning planning = {.plan = plan, .options = options, .path = path};
	struct scenario base;
	bool ok;

	if (!json_doc_read(&planning.doc, path, err))
		return false;
	if (!cJSON_IsObject(planning.doc.root)) {
		ok = json_doc_wrong(&planning.doc, planning.doc.root, err,
			"expected an object, not %s", json_kind(planning.doc.root));
	} else {
		/* First as it stands, so that its errors have their places. */
		ok = scenario_read(&base, &planning.doc, planning.doc.root, err);
		if (ok)
			scenario_done(&base);
		ok = ok && combine(&planning.doc, options->sets, add_combination, &planning,
				   err);
	}
	json_doc_done(&planning.doc);
	return ok;
}

static int is_scenario(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	if (entry->d_name[0] == '.' || strcmp(entry->d_name, "schema.json") == 0)
		return 0;
	return entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN ||
		(len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0);
}

static bool add_folder(struct plan *plan, const char *path,
	const struct plan_options *options, plan_wrong_fn *wrong, void *arg)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_scenario, alphasort);
	bool ok = count >= 0;

	for (int i = 0; i < count; i++) {
		size_t len = strlen(path);
		SCOPED(mem_free) char *inside = mem_textf("%.*s/%s",
			(int)(len > 1 && path[len - 1] == '/' ? len - 1 : len), path,
			entries[i]->d_name);
		struct stat stat_;

		if (stat(inside, &stat_) != 0 || S_ISDIR(stat_.st_mode) ||
			strstr(inside, ".json"))
			ok = plan_add(plan, inside, options, wrong, arg) && ok;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return ok;
}

bool plan_add(struct plan *plan, const char *path, const struct plan_options *options,
	plan_wrong_fn *wrong, void *arg)
{
	struct stat stat_;
	struct err err = {0};

	if (stat(path, &stat_) != 0) {
		err_sys(&err, "%s", path);
		wrong(arg, &err);
		return false;
	}
	if (S_ISDIR(stat_.st_mode))
		return add_folder(plan, path, options, wrong, arg);
	if (add_file(plan, path, options, &err))
		return true;
	wrong(arg, &err);
	return false;
}

void plan_done(struct plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++)
		free_case(plan->cases[i]);
	free(plan->cases);
	*plan = (struct plan){0};
}

cJSON *plan_schema(void)
{
	cJSON *schema = fields_schema(scenario_fields);

	cJSON_AddStringToObject(
		schema, "$schema", "http://json-schema.org/draft-07/schema#");
	cJSON_AddStringToObject(schema, "title", "stopbench scenario");
	return schema;
}

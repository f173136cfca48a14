#include "harness/scenario/plan.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/scenario/matrix.h"
#include "harness/scenario/validate.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define SUFFIX ".json"

/* One file while it is planned. */
struct planning {
	struct plan *plan;
	const struct plan_options *options;
	plan_wrong_fn *wrong;
	void *arg;
	const char *path;
	struct json_doc doc;
	const struct matrix_case *combination; /* the one at hand */
	const cJSON *twin;                     /* of it, as it stands in the file */
};

const char *half_name(enum half half)
{
	return half == HALF_MAIN ? "main" : "twin";
}

/* --- the words for a case --- */

/* "scenarios/history/10-matrix.json" is "history/10-matrix"; the last folder of that
 * name counts. */
static char *id_of(const char *path)
{
	static const char folder[] = "scenarios/";
	const char *from = path;
	size_t len;

	for (const char *at = path; (at = strstr(at, folder)); at++) {
		if (at == path || at[-1] == '/')
			from = at + strlen(folder);
	}
	len = strlen(from);
	if (len > strlen(SUFFIX) && strcmp(from + len - strlen(SUFFIX), SUFFIX) == 0)
		len -= strlen(SUFFIX);
	return mem_textf("%.*s", (int)len, from);
}

/* As one word of a shell. */
static void add_word(struct buf *text, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-+=./:,@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		buf_adds(text, word);
		return;
	}
	buf_adds(text, "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_adds(text, "'\\''");
		else
			buf_add(text, word, 1);
	}
	buf_adds(text, "'");
}

static void add_set(struct buf *text, const char *set)
{
	buf_adds(text, " --set ");
	add_word(text, set);
}

static char *alone_of(const struct planning *planning, enum half half)
{
	const struct matrix_case *combination = planning->combination;
	const char *const *sets = planning->options->sets;
	struct buf text = {0};

	add_word(&text, planning->path);
	for (unsigned i = 0; i < combination->axis_count; i++) {
		SCOPED(mem_free) char *set = mem_textf(
			"%s=%s", combination->axes[i].path, combination->axes[i].text);

		add_set(&text, set);
	}
	for (unsigned i = 0; sets && sets[i]; i++)
		add_set(&text, sets[i]);
	buf_addf(&text, " --half %s", half_name(half));
	return buf_take(&text);
}

static char *axes_of(const struct matrix_case *combination)
{
	struct buf text = {0};

	for (unsigned i = 0; i < combination->axis_count; i++)
		buf_addf(&text, "%s%s=%s", i ? " " : "", combination->axes[i].path,
			combination->axes[i].text);
	return buf_take(&text);
}

static cJSON *values_of(const struct matrix_case *combination)
{
	cJSON *values = cJSON_CreateObject();

	for (unsigned i = 0; i < combination->axis_count; i++)
		cJSON_AddItemToObject(values, combination->axes[i].path,
			cJSON_Duplicate(combination->axes[i].value, true));
	return values;
}

char *plan_command(const struct plan_case *plan_case, const char *engine, uint64_t seed)
{
	/* What the seed draws in the file's third round it draws here in the first. */
	return mem_textf("stopbench run %s --engine %s --seed %llu%s", plan_case->alone,
		engine, (unsigned long long)seed,
		plan_case->scenario.repeat > 1 ? " --repeat 1" : "");
}

/* --- cases --- */

static void free_case(struct plan_case *plan_case)
{
	scenario_done(&plan_case->scenario);
	free(plan_case->id);
	free(plan_case->axes);
	cJSON_Delete(plan_case->values);
	free(plan_case->path);
	free(plan_case->alone);
	free(plan_case->json);
	free(plan_case);
}

/* "load.sessions=20, twin": what was done to the file. */
static char *changes_of(const struct planning *planning, enum half half)
{
	const char *const *sets = planning->options->sets;
	struct buf text = {0};

	for (unsigned i = 0; i < planning->combination->axis_count; i++)
		buf_addf(&text, "%s%s=%s", text.len ? ", " : "",
			planning->combination->axes[i].path,
			planning->combination->axes[i].text);
	for (unsigned i = 0; sets && sets[i]; i++)
		buf_addf(&text, "%s--set %s", text.len ? ", " : "", sets[i]);
	if (half == HALF_TWIN)
		buf_addf(&text, "%stwin", text.len ? ", " : "");
	return text.data ? buf_take(&text) : mem_text("variants");
}

/* What changed copies of the file have wrong has no place in its text. The nearest one
 * is what changed it; --set did so from elsewhere. */
static const cJSON *place_of(const struct planning *planning, enum half half)
{
	const cJSON *root = planning->doc.root;

	if (half == HALF_TWIN)
		return planning->twin;
	return json_get(
		root, planning->combination->axis_count ? "matrix" : "variants");
}

static bool read_scenario(struct scenario *scenario, const struct planning *planning,
	const cJSON *root, enum half half, struct err *err)
{
	SCOPED(mem_free) char *changes = changes_of(planning, half);
	const struct json_doc changed = {.name = changes, .root = NULL};
	struct err why;

	/* The file as it stands has its own places. */
	if (!planning->combination->changed && half == HALF_MAIN)
		return scenario_read(scenario, &planning->doc, planning->doc.root, err);
	if (scenario_read(scenario, &changed, root, &why))
		return true;
	return json_doc_wrong(
		&planning->doc, place_of(planning, half), err, "%s", why.text);
}

static bool add_case(const struct planning *planning, const cJSON *root, enum half half,
	struct err *err)
{
	struct plan *plan = planning->plan;
	struct plan_case *plan_case;

	if (plan->count == PLAN_CASES_MAX)
		return err_set(
			err, "%s: more than %d cases", planning->path, PLAN_CASES_MAX);
	plan_case = mem_zeroed(sizeof *plan_case);
	if (!read_scenario(&plan_case->scenario, planning, root, half, err)) {
		free(plan_case);
		return false;
	}
	plan_case->id = id_of(planning->path);
	plan_case->axes = axes_of(planning->combination);
	plan_case->values = values_of(planning->combination);
	plan_case->path = mem_text(planning->path);
	plan_case->alone = alone_of(planning, half);
	plan_case->json = cJSON_Print(root);
	plan_case->half = half;
	plan->cases = mem_grown(plan->cases, plan->count + 1, sizeof(*plan->cases));
	plan->cases[plan->count++] = plan_case;
	return true;
}

/* The main half, and the same with the twin's one change and its own expect. */
static bool add_combination(
	void *arg, const struct matrix_case *combination, cJSON *root, struct err *err)
{
	struct planning *planning = arg;
	const struct plan_options *options = planning->options;
	SCOPED(json_free) cJSON *twin =
		cJSON_DetachItemFromObjectCaseSensitive(root, "twin");

	planning->combination = combination;
	if (!options->twin_only && !add_case(planning, root, HALF_MAIN, err))
		return false;
	if (!twin || cJSON_IsNull(twin) || options->main_only)
		return true;
	planning->twin = matrix_twin_of(&planning->doc, twin);
	return matrix_twin(root, &planning->doc, planning->twin, err) &&
		add_case(planning, root, HALF_TWIN, err);
}

/* --- files and folders --- */

static bool plan_file(struct planning *planning)
{
	const struct json_doc *doc = &planning->doc;
	struct err err = {0};

	/* First as it stands, so that every mistake has its place. */
	if (!cJSON_IsObject(doc->root))
		json_doc_wrong(doc, doc->root, &err, "expected an object, not %s",
			json_kind(doc->root));
	else if (validate_read(doc, doc->root, planning->wrong, planning->arg) > 0)
		return false;
	else if (matrix_expand(
			 doc, planning->options->sets, add_combination, planning, &err))
		return true;
	else if (validate_changes(doc, planning->wrong, planning->arg) +
			validate_sets(doc, planning->options->sets, planning->wrong,
				planning->arg) >
		0)
		return false;
	planning->wrong(planning->arg, &err);
	return false;
}

static bool add_file(struct plan *plan, const char *path,
	const struct plan_options *options, plan_wrong_fn *wrong, void *arg)
{
	struct planning planning = {
		.plan = plan,
		.options = options,
		.wrong = wrong,
		.arg = arg,
		.path = path,
	};
	struct err err = {0};
	bool ok;

	plan->files++;
	if (!json_doc_read(&planning.doc, path, &err)) {
		wrong(arg, &err);
		return false;
	}
	ok = plan_file(&planning);
	json_doc_done(&planning.doc);
	return ok;
}

static bool has_suffix(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Of bytes, whatever the locale. */
static int by_name(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

static bool add_entry(struct plan *plan, const char *folder, const char *name,
	const struct plan_options *options, plan_wrong_fn *wrong, void *arg)
{
	size_t len = strlen(folder);
	bool slash = len > 0 && folder[len - 1] == '/';
	SCOPED(mem_free) char *path =
		mem_textf("%s%s%s", folder, slash ? "" : "/", name);
	struct stat found;

	/* Links to files are followed, links to folders are not: they may go round. */
	if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode))
		return plan_add(plan, path, options, wrong, arg);
	if (!has_suffix(name) || strcmp(name, "schema.json") == 0)
		return true;
	return add_file(plan, path, options, wrong, arg);
}

static bool add_folder(struct plan *plan, const char *path,
	const struct plan_options *options, plan_wrong_fn *wrong, void *arg)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, by_name);
	struct err err = {0};
	bool ok = true;

	if (count < 0) {
		err_sys(&err, "%s", path);
		wrong(arg, &err);
		return false;
	}
	for (int i = 0; i < count; i++) {
		ok = add_entry(plan, path, entries[i]->d_name, options, wrong, arg) &&
			ok;
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool plan_add(struct plan *plan, const char *path, const struct plan_options *options,
	plan_wrong_fn *wrong, void *arg)
{
	struct stat found;
	struct err err = {0};

	if (stat(path, &found) != 0) {
		err_sys(&err, "%s", path);
		wrong(arg, &err);
		return false;
	}
	if (S_ISDIR(found.st_mode))
		return add_folder(plan, path, options, wrong, arg);
	return add_file(plan, path, options, wrong, arg);
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
	SCOPED(json_free) cJSON *fields = fields_schema(scenario_fields);
	cJSON *schema = cJSON_CreateObject();
	cJSON *name = cJSON_CreateString("name");

	cJSON_AddStringToObject(
		schema, "$schema", "http://json-schema.org/draft-07/schema#");
	cJSON_AddStringToObject(schema, "title", "stopbench scenario");
	while (fields->child) {
		cJSON *member = cJSON_DetachItemViaPointer(fields, fields->child);

		cJSON_AddItemToObject(schema, member->string, member);
	}
	cJSON_AddItemToArray(cJSON_AddArrayToObject(schema, "required"), name);
	return schema;
}

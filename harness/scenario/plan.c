#include "harness/scenario/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/programs.h"
#include "harness/scenario/matrix.h"
#include "harness/scenario/validate.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#define SUFFIX    ".json"
#define SCENARIOS "scenarios/"

/* One call of plan_add(), and the file at hand. */
struct planning {
	struct plan *plan;
	const struct plan_options *options;
	fields_wrong_fn *wrong;
	void *arg;
	unsigned wrongs; /* errors so far */
	const char *path;
	struct json_doc doc;
	struct scenario base; /* the unchanged file, until a case takes it */
	const struct matrix_case *combination;
	const cJSON *twin; /* of the combination, where it stands in the file */
};

static void report(void *arg, const struct err *err)
{
	struct planning *planning = arg;
	SCOPED(mem_free) char *inert = utf8_mend(err->text, "");
	struct err shown;

	err_set(&shown, "%s", inert);
	planning->wrongs++;
	planning->wrong(planning->arg, &shown);
}

const char *const half_names[] = {[HALF_MAIN] = "main", [HALF_TWIN] = "twin", NULL};

/* --- texts --- */

static bool has_suffix(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* "history/10-matrix" of "scenarios/history/10-matrix.json": what follows the last
 * folder "scenarios". */
static char *id_of(const char *path)
{
	static const char folder[] = SCENARIOS;
	const char *from = path;

	for (const char *at = path; (at = strstr(at, folder)); at++) {
		if (at == path || at[-1] == '/')
			from = at + strlen(folder);
	}
	return mem_textf("%.*s",
		(int)(strlen(from) - (has_suffix(from) ? strlen(SUFFIX) : 0)), from);
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

static void add_sets(struct buf *text, const char *const *sets)
{
	for (; sets && *sets; sets++) {
		buf_adds(text, " --set ");
		add_word(text, *sets);
	}
}

static char *alone_of(const struct planning *planning, enum half half)
{
	struct buf text = {0};

	add_word(&text, planning->path);
	add_sets(&text, planning->combination->axes);
	add_sets(&text, planning->options->sets);
	buf_addf(&text, " --half %s", half_names[half]);
	return buf_take(&text);
}

static void add_list(struct buf *text, const char *between, const char *before,
	const char *const *list)
{
	for (; list && *list; list++)
		buf_addf(text, "%s%s%s", text->len ? between : "", before, *list);
}

char *plan_command(const struct plan_case *plan_case, const char *engine, uint64_t seed)
{
	/* The seed of one round draws the same in whatever round it is used. */
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
	struct buf text = {0};

	add_list(&text, ", ", "", planning->combination->axes);
	add_list(&text, ", ", "--set ", planning->options->sets);
	if (half == HALF_TWIN)
		buf_addf(&text, "%stwin", text.len ? ", " : "");
	return text.data ? buf_take(&text) : mem_text("variants");
}

/* Where to report an error of a changed copy, which has no place of its own: at what
 * changed the file. */
static const cJSON *place_of(const struct planning *planning, enum half half)
{
	const cJSON *root = planning->doc.root;

	if (half == HALF_TWIN)
		return planning->twin;
	return json_get(root, planning->combination->axes ? "matrix" : "variants");
}

/* The unchanged file: errors have their own positions. */
static bool take_base(struct scenario *scenario, struct planning *planning)
{
	if (!scenario_check(&planning->base, &planning->doc, planning->doc.root, report,
		    planning))
		return false;
	*scenario = planning->base;
	planning->base = (struct scenario){0};
	return true;
}

static bool read_copy(struct scenario *scenario, const struct planning *planning,
	const cJSON *root, enum half half, struct err *err)
{
	SCOPED(mem_free) char *changes = changes_of(planning, half);
	const struct json_doc copy = {.name = changes};
	struct err why = {0};

	if (scenario_read(scenario, &copy, root, fields_keep_first, &why)) {
		if (scenario_check(scenario, &copy, root, fields_keep_first, &why))
			return true;
		scenario_done(scenario);
	}
	return json_doc_wrong(
		&planning->doc, place_of(planning, half), err, "%s", why.text);
}

/* Where the file has what this half expects. */
static unsigned line_of(const struct planning *planning, enum half half)
{
	const struct json_doc *doc = &planning->doc;
	const cJSON *of = half == HALF_TWIN ? planning->twin : doc->root;
	unsigned line = json_doc_line(doc, json_get(of, "expect"));

	if (line == 0 && half == HALF_TWIN)
		line = json_doc_line(doc, of);
	return line ? line : 1;
}

static bool add_case(
	struct planning *planning, const cJSON *root, enum half half, struct err *err)
{
	bool is_base = half == HALF_MAIN && !planning->combination->changed;
	struct plan *plan = planning->plan;
	struct plan_case *plan_case;
	struct buf axes = {0};

	if (plan->count == PLAN_CASES_MAX)
		return err_set(
			err, "%s: more than %d cases", planning->path, PLAN_CASES_MAX);
	plan_case = mem_zeroed(sizeof *plan_case);
	if (is_base ? !take_base(&plan_case->scenario, planning)
		    : !read_copy(&plan_case->scenario, planning, root, half, err)) {
		free(plan_case);
		return false;
	}
	plan_case->id = id_of(planning->path);
	add_list(&axes, " ", "", planning->combination->axes);
	plan_case->axes = buf_take(&axes);
	plan_case->values = cJSON_Duplicate(planning->combination->values, true);
	plan_case->path = mem_text(planning->path);
	plan_case->line = line_of(planning, half);
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

static void plan_file(struct planning *planning)
{
	const struct json_doc *doc = &planning->doc;
	const char *const *sets = planning->options->sets;
	unsigned wrongs = planning->wrongs;
	struct err err;

	/* The unchanged file comes first: its errors have their own positions. */
	if (!scenario_read(&planning->base, doc, doc->root, report, planning))
		return;
	if (!matrix_expand(doc, sets, add_combination, planning, &err) &&
		planning->wrongs == wrongs &&
		validate_changes(doc, sets, report, planning) == 0)
		report(planning, &err);
	scenario_done(&planning->base);
}

static bool is_filtered_out(const struct planning *planning, const char *path)
{
	const char *filter = planning->options->filter;
	SCOPED(mem_free) char *id = id_of(path);

	if (!filter)
		return false;
	return strpbrk(filter, "*?[") ? fnmatch(filter, id, 0) != 0
				      : strstr(id, filter) == NULL;
}

static void add_file(struct planning *planning, const char *path)
{
	struct err err;

	if (is_filtered_out(planning, path))
		return;
	planning->plan->files++;
	planning->path = path;
	if (!json_doc_read(&planning->doc, path, &err)) {
		report(planning, &err);
		return;
	}
	plan_file(planning);
	json_doc_done(&planning->doc);
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

static void add_folder(struct planning *planning, const char *folder);

static void add_entry(struct planning *planning, const char *folder, const char *name)
{
	size_t len = strlen(folder);
	bool slash = len > 0 && folder[len - 1] == '/';
	SCOPED(mem_free) char *path =
		mem_textf("%s%s%s", folder, slash ? "" : "/", name);
	struct stat found;

	/* Links to files are followed; links to folders could make a circle. */
	if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode))
		add_folder(planning, path);
	else if (has_suffix(name) && strcmp(name, "schema.json") != 0)
		add_file(planning, path);
}

static void add_folder(struct planning *planning, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, by_name);
	struct err err;

	if (count < 0) {
		err_sys(&err, "%s", folder);
		report(planning, &err);
		return;
	}
	for (int i = 0; i < count; i++) {
		add_entry(planning, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* "kill/60" may mean "kill/60.json", and both may be below "scenarios/". Gives the path
 * that exists, to free(), or NULL with errno; `tried`, or NULL, gets what does not. */
static char *find_below(
	const char *folder, const char *path, struct stat *found, struct buf *tried)
{
	static const char *const forms[][2] = {
		{"", ""}, {"", SUFFIX}, {SCENARIOS, ""}, {SCENARIOS, SUFFIX}};

	for (size_t i = 0; i < COUNT(forms); i++) {
		char *form;

		if ((*forms[i][0] && *path == '/') ||
			(*forms[i][1] && has_suffix(path)))
			continue;
		form = mem_textf("%s%s%s%s", folder, forms[i][0], path, forms[i][1]);
		if (stat(form, found) == 0)
			return form;
		if (tried)
			buf_addf(tried, "%s%s", tried->len ? ", " : "", form);
		free(form);
		if (errno != ENOENT)
			break;
	}
	return NULL;
}

/* In the current folder, or else among the scenarios that came with the program. */
static char *find_path(const char *path, struct stat *found, struct err *err)
{
	SCOPED(buf_done) struct buf tried = {0};
	SCOPED(mem_free) char *data = programs_data();
	SCOPED(mem_free) char *folder = mem_textf("%s/", data ? data : "");
	bool relative = data && *path != '/';
	char *existing = find_below("", path, found, &tried);

	if (!existing && errno == ENOENT && relative)
		existing = find_below(folder, path, found, NULL);
	if (!existing && errno == ENOENT)
		err_set(err, "%s: no such scenario or folder; tried %s%s%s", path,
			buf_text(&tried), relative ? ", here and in " : "",
			relative ? data : "");
	else if (!existing)
		err_sys(err, "%s", path);
	return existing;
}

bool plan_add(struct plan *plan, const char *path, const struct plan_options *options,
	fields_wrong_fn *wrong, void *arg)
{
	struct planning planning = {
		.plan = plan, .options = options, .wrong = wrong, .arg = arg};
	SCOPED(mem_free) char *existing = NULL;
	struct stat found;
	struct err err;

	existing = find_path(path, &found, &err);
	if (!existing)
		report(&planning, &err);
	else if (S_ISDIR(found.st_mode))
		add_folder(&planning, existing);
	else
		add_file(&planning, existing);
	return planning.wrongs == 0;
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

	cJSON_AddStringToObject(
		schema, "$schema", "http://json-schema.org/draft-07/schema#");
	cJSON_AddStringToObject(schema, "title", "stopbench scenario");
	while (fields->child) {
		cJSON *member = cJSON_DetachItemViaPointer(fields, fields->child);

		cJSON_AddItemToObject(schema, member->string, member);
	}
	return schema;
}

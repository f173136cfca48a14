#include "harness/scenario/validate.h"

#include "harness/scenario/matrix.h"
#include "harness/scenario/scenario.h"
#include "lib/mem.h"

struct changes {
	const struct json_doc *doc;
	fields_wrong_fn *wrong;
	void *arg;
	unsigned wrongs;
};

static void report(struct changes *changes, const struct err *err)
{
	changes->wrongs++;
	changes->wrong(changes->arg, err);
}

/* Reads a changed copy of the file; err is the first error. */
static bool read_copy(const char *name, const cJSON *root, struct err *err)
{
	SCOPED(mem_free) char *copied_name = mem_text(name);
	const struct json_doc copy = {.name = copied_name};
	struct scenario scratch;

	*err = (struct err){0};
	if (!scenario_read(&scratch, &copy, root, fields_keep_first, err))
		return false;
	scenario_done(&scratch);
	return true;
}

static bool check_path(struct changes *changes, const cJSON *item)
{
	struct err err;

	if (matrix_check_path(changes->doc, item, item->string, &err))
		return true;
	report(changes, &err);
	return false;
}

/* The file without the value is right: an error of the file with it is the value's. */
static void check_value(
	struct changes *changes, const char *what, const char *path, const cJSON *value)
{
	SCOPED(json_free) cJSON *root = cJSON_Duplicate(changes->doc->root, true);
	struct err why, err;

	if (!json_put_at(root, path, cJSON_Duplicate(value, true), &why) ||
		read_copy(what, root, &why))
		return;
	json_doc_wrong(changes->doc, value, &err, "%s", why.text);
	report(changes, &err);
}

static void check_set(struct changes *changes, const char *what, const cJSON *set)
{
	const cJSON *item;

	if (!cJSON_IsObject(set))
		return;
	cJSON_ArrayForEach(item, set) {
		if (check_path(changes, item))
			check_value(changes, what, item->string, item);
	}
}

static void check_twin(struct changes *changes, const cJSON *twin)
{
	const cJSON *expect = json_get(twin, "expect");

	check_set(changes, "twin", json_get(twin, "set"));
	if (expect)
		check_value(changes, "twin", "expect", expect);
}

static void check_matrix(struct changes *changes, const cJSON *matrix)
{
	const cJSON *axis, *value;

	if (!cJSON_IsObject(matrix))
		return;
	cJSON_ArrayForEach(axis, matrix) {
		if (!cJSON_IsArray(axis) || !check_path(changes, axis))
			continue;
		cJSON_ArrayForEach(value, axis)
			check_value(changes, "matrix", axis->string, value);
	}
}

static void check_sets(struct changes *changes, const char *const *sets)
{
	for (; sets && *sets; sets++) {
		SCOPED(json_free) cJSON *root =
			cJSON_Duplicate(changes->doc->root, true);
		SCOPED(mem_free) char *name = mem_textf("--set %s", *sets);
		struct err err;

		if (!matrix_set(root, *sets, &err) || !read_copy(name, root, &err))
			report(changes, &err);
	}
}

unsigned validate_changes(const struct json_doc *doc, const char *const *sets,
	fields_wrong_fn *wrong, void *arg)
{
	struct changes changes = {doc, wrong, arg, 0};
	const cJSON *variant;

	check_matrix(&changes, json_get(doc->root, "matrix"));
	cJSON_ArrayForEach(variant, json_get(doc->root, "variants")) {
		const cJSON *set = json_get(variant, "set");

		check_set(&changes, "variants", set);
		check_twin(&changes, json_get(set, "twin"));
	}
	check_twin(&changes, json_get(doc->root, "twin"));
	check_sets(&changes, sets);
	return changes.wrongs;
}

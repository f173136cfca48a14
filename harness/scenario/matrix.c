#include "harness/scenario/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/mem.h"

/* The axes of a matrix, and where each stands. */
struct matrix {
	const cJSON *axes[MATRIX_AXES_MAX]; /* arrays, named by their paths */
	unsigned at[MATRIX_AXES_MAX];
	unsigned count;
};

/* --- values at paths --- */

/* matrix and variants are not: they make the combinations. */
static bool is_changeable(const char *path, struct err *err)
{
	static const char *const fixed[] = {"matrix", "variants", "$schema"};

	for (size_t i = 0; i < COUNT(fixed); i++) {
		size_t len = strlen(fixed[i]);

		if (strncmp(path, fixed[i], len) == 0 &&
			(path[len] == '\0' || path[len] == '.'))
			return err_set(err, "%s: can't be changed", path);
	}
	return fields_knows(scenario_fields, path, err);
}

bool matrix_check_path(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err)
{
	struct err why = {0};

	return is_changeable(path, &why) ||
		json_doc_wrong(doc, node, err, "%s", why.text);
}

/* Puts a copy of value into root. An error begins with the position of `place`. */
static bool put(cJSON *root, const struct json_doc *doc, const cJSON *place,
	const char *path, const cJSON *value, struct err *err)
{
	struct err why = {0};

	return json_put_at(root, path, cJSON_Duplicate(value, true), &why) ||
		json_doc_wrong(doc, place, err, "%s", why.text);
}

/* Puts each member of set, whose keys are paths. */
static bool put_all(
	cJSON *root, const struct json_doc *doc, const cJSON *set, struct err *err)
{
	const cJSON *item;

	if (!cJSON_IsObject(set))
		return json_doc_wrong(doc, set, err,
			"set: expected an object such as {\"load.sessions\": 20}, not %s",
			json_kind(set));
	cJSON_ArrayForEach(item, set) {
		if (!matrix_check_path(doc, item, item->string, err) ||
			!put(root, doc, item, item->string, item, err))
			return false;
	}
	return true;
}

/* --- --set --- */

static char *set_path(const char *set)
{
	return mem_textf("%.*s", (int)strcspn(set, "="), set);
}

/* A value that is not JSON is a string. */
static cJSON *set_value(const char *set)
{
	const char *text = set + strcspn(set, "=") + 1;
	cJSON *value = json_parse(text, strlen(text));

	return value ? value : cJSON_CreateString(text);
}

/* The value as --set takes it: a string that reads like JSON keeps its quotes. */
static char *value_text(const cJSON *value)
{
	SCOPED(json_free) cJSON *taken = NULL;

	if (!cJSON_IsString(value))
		return json_print(value);
	taken = json_parse(value->valuestring, strlen(value->valuestring));
	return taken ? json_print(value) : mem_text(value->valuestring);
}

static bool is_pinned(const char *const *sets, const char *path)
{
	for (unsigned i = 0; sets && sets[i]; i++) {
		size_t len = strcspn(sets[i], "=");

		if (strncmp(sets[i], path, len) == 0 &&
			(path[len] == '\0' || path[len] == '.'))
			return true;
	}
	return false;
}

bool matrix_set(cJSON *root, const char *set, struct err *err)
{
	SCOPED(mem_free) char *path = set_path(set);
	struct err why = {0};

	if (strchr(set, '=') == NULL)
		return err_set(err, "--set %s: expected KEY=VALUE", set);
	if (!is_changeable(path, &why) ||
		!json_put_at(root, path, set_value(set), &why))
		return err_set(err, "--set %s: %s", set, why.text);
	return true;
}

static bool apply_sets(cJSON *root, const char *const *sets, struct err *err)
{
	for (unsigned i = 0; sets && sets[i]; i++) {
		if (!matrix_set(root, sets[i], err))
			return false;
	}
	return true;
}

/* --- variants --- */

static bool matches(const cJSON *root, const cJSON *where)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, where) {
		const cJSON *value = json_at(root, item->string);

		if (!value || !cJSON_Compare(value, item, true))
			return false;
	}
	return true;
}

static bool check_variant(
	const struct json_doc *doc, const cJSON *variant, struct err *err)
{
	const cJSON *where = json_get(variant, "where");
	const cJSON *item;

	if (!cJSON_IsObject(where) || !cJSON_IsObject(json_get(variant, "set")) ||
		cJSON_GetArraySize(variant) != 2)
		return json_doc_wrong(doc, variant, err,
			"variants: expected {\"where\": {...}, \"set\": {...}}");
	cJSON_ArrayForEach(item, where) {
		if (!matrix_check_path(doc, item, item->string, err))
			return false;
	}
	return true;
}

static bool apply_variants(
	cJSON *root, const struct json_doc *doc, bool *changed, struct err *err)
{
	const cJSON *variants = json_get(doc->root, "variants");
	const cJSON *variant;

	if (variants && !cJSON_IsArray(variants))
		return json_doc_wrong(doc, variants, err,
			"variants: expected a list of {\"where\": {...}, \"set\": {...}}, not "
			"%s",
			json_kind(variants));
	cJSON_ArrayForEach(variant, variants) {
		if (!check_variant(doc, variant, err))
			return false;
		if (!matches(root, json_get(variant, "where")))
			continue;
		*changed = true;
		if (!put_all(root, doc, json_get(variant, "set"), err))
			return false;
	}
	return true;
}

/* --- matrix --- */

static const cJSON *find_double(const cJSON *list)
{
	const cJSON *item, *earlier;

	cJSON_ArrayForEach(item, list) {
		for (earlier = list->child; earlier != item; earlier = earlier->next) {
			if (cJSON_Compare(earlier, item, true))
				return item;
		}
	}
	return NULL;
}

static bool check_axis(const struct json_doc *doc, const cJSON *axis, struct err *err)
{
	const cJSON *again;

	if (!matrix_check_path(doc, axis, axis->string, err))
		return false;
	if (!cJSON_IsArray(axis) || !axis->child)
		return json_doc_wrong(doc, axis, err,
			"%s: expected a list of values, not %s", axis->string,
			cJSON_IsArray(axis) ? "an empty one" : json_kind(axis));
	again = find_double(axis);
	if (again)
		return json_doc_wrong(
			doc, again, err, "%s: this value is there twice", axis->string);
	return true;
}

static bool read_matrix(struct matrix *matrix, const struct json_doc *doc,
	const char *const *sets, struct err *err)
{
	const cJSON *object = json_get(doc->root, "matrix");
	const cJSON *axis;

	if (object && !cJSON_IsObject(object))
		return json_doc_wrong(doc, object, err,
			"matrix: expected an object such as {\"load.sessions\": [1, 3]}, not "
			"%s",
			json_kind(object));
	cJSON_ArrayForEach(axis, object) {
		if (!check_axis(doc, axis, err))
			return false;
		if (is_pinned(sets, axis->string))
			continue;
		if (matrix->count == MATRIX_AXES_MAX)
			return json_doc_wrong(doc, axis, err,
				"matrix: more than %d axes", MATRIX_AXES_MAX);
		matrix->axes[matrix->count++] = axis;
	}
	return true;
}

/* False when every combination has been had. */
static bool turn(struct matrix *matrix)
{
	for (unsigned i = matrix->count; i-- > 0;) {
		matrix->at[i]++;
		if (matrix->at[i] < (unsigned)cJSON_GetArraySize(matrix->axes[i]))
			return true;
		matrix->at[i] = 0;
	}
	return false;
}

static bool put_axes(cJSON *root, const struct json_doc *doc,
	const struct matrix_case *combination, const struct matrix *matrix,
	struct err *err)
{
	for (unsigned i = 0; i < combination->axis_count; i++) {
		const struct axis *axis = &combination->axes[i];

		if (!put(root, doc, matrix->axes[i], axis->path, axis->value, err))
			return false;
	}
	return true;
}

/* Pinned paths go in before the variants look, as the axes do, and once more after
 * them: --set has the last word. */
static bool fill(cJSON *root, const struct json_doc *doc, const char *const *sets,
	struct matrix_case *combination, const struct matrix *matrix, struct err *err)
{
	combination->changed = combination->axis_count > 0 || (sets && sets[0]);
	return apply_sets(root, sets, err) &&
		put_axes(root, doc, combination, matrix, err) &&
		apply_variants(root, doc, &combination->changed, err) &&
		apply_sets(root, sets, err);
}

static bool make_one(const struct json_doc *doc, const char *const *sets,
	const struct matrix *matrix, matrix_fn *each, void *arg, struct err *err)
{
	SCOPED(json_free) cJSON *root = cJSON_Duplicate(doc->root, true);
	struct matrix_case combination = {.axis_count = matrix->count};
	char *texts[MATRIX_AXES_MAX] = {0};
	bool ok;

	for (unsigned i = 0; i < matrix->count; i++) {
		const cJSON *value =
			cJSON_GetArrayItem(matrix->axes[i], (int)matrix->at[i]);

		texts[i] = value_text(value);
		combination.axes[i] =
			(struct axis){matrix->axes[i]->string, texts[i], value};
	}
	ok = fill(root, doc, sets, &combination, matrix, err);
	if (ok) {
		cJSON_DeleteItemFromObjectCaseSensitive(root, "matrix");
		cJSON_DeleteItemFromObjectCaseSensitive(root, "variants");
		ok = each(arg, &combination, root, err);
	}
	for (unsigned i = 0; i < matrix->count; i++)
		free(texts[i]);
	return ok;
}

bool matrix_expand(const struct json_doc *doc, const char *const *sets, matrix_fn *each,
	void *arg, struct err *err)
{
	struct matrix matrix = {0};

	if (!read_matrix(&matrix, doc, sets, err))
		return false;
	do {
		if (!make_one(doc, sets, &matrix, each, arg, err))
			return false;
	} while (turn(&matrix));
	return true;
}

/* --- twin --- */

const cJSON *matrix_twin_of(const struct json_doc *doc, const cJSON *twin)
{
	const cJSON *own = json_get(doc->root, "twin");
	const cJSON *variant;

	if (own && cJSON_Compare(twin, own, true))
		return own;
	cJSON_ArrayForEach(variant, json_get(doc->root, "variants")) {
		own = json_get(json_get(variant, "set"), "twin");
		if (own && cJSON_Compare(twin, own, true))
			return own;
	}
	return twin;
}

bool matrix_twin(
	cJSON *root, const struct json_doc *doc, const cJSON *twin, struct err *err)
{
	const cJSON *set = json_get(twin, "set");
	const cJSON *expect = json_get(twin, "expect");

	if (!cJSON_IsObject(set) || !cJSON_IsObject(expect) ||
		cJSON_GetArraySize(twin) != 2)
		return json_doc_wrong(doc, twin, err,
			"twin: expected {\"set\": {...}, \"expect\": {...}}");
	if (!set->child)
		return json_doc_wrong(doc, set, err, "twin: its set changes nothing");
	return put_all(root, doc, set, err) &&
		put(root, doc, expect, "expect", expect, err);
}

#include "harness/scenario/matrix.h"

#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/mem.h"

/* One call of matrix_expand(). */
struct matrix {
	const struct json_doc *doc;
	const char *const *sets;
	matrix_fn *each;
	void *arg;
	cJSON *values; /* of the axes so far: {"load.sessions": 3} */
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
	SCOPED(mem_free) char *path = mem_textf("%.*s", (int)strcspn(set, "="), set);
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

static bool check_axis(const struct json_doc *doc, const cJSON *axis, struct err *err)
{
	const cJSON *item, *earlier;

	if (!matrix_check_path(doc, axis, axis->string, err))
		return false;
	if (!cJSON_IsArray(axis) || !axis->child)
		return json_doc_wrong(doc, axis, err,
			"%s: expected a list of values, not %s", axis->string,
			cJSON_IsArray(axis) ? "an empty one" : json_kind(axis));
	cJSON_ArrayForEach(item, axis) {
		for (earlier = axis->child; earlier != item; earlier = earlier->next)
			if (cJSON_Compare(earlier, item, true))
				return json_doc_wrong(doc, item, err,
					"%s: this value is there twice", axis->string);
	}
	return true;
}

static bool check_axes(const struct matrix *matrix, const cJSON *axes, struct err *err)
{
	const struct json_doc *doc = matrix->doc;
	unsigned count = 0;
	const cJSON *axis;

	if (axes && !cJSON_IsObject(axes))
		return json_doc_wrong(doc, axes, err,
			"matrix: expected an object such as {\"load.sessions\": [1, 3]}, not "
			"%s",
			json_kind(axes));
	cJSON_ArrayForEach(axis, axes) {
		if (!check_axis(doc, axis, err))
			return false;
		if (!is_pinned(matrix->sets, axis->string) && ++count > MATRIX_AXES_MAX)
			return json_doc_wrong(doc, axis, err,
				"matrix: more than %d axes", MATRIX_AXES_MAX);
	}
	return true;
}

static bool put_axes(cJSON *root, const struct matrix *matrix, struct err *err)
{
	const cJSON *axes = json_get(matrix->doc->root, "matrix");
	const cJSON *value;

	cJSON_ArrayForEach(value, matrix->values) {
		if (!put(root, matrix->doc, json_get(axes, value->string),
			    value->string, value, err))
			return false;
	}
	return true;
}

static bool make_one(const struct matrix *matrix, struct err *err)
{
	SCOPED(json_free) cJSON *root = cJSON_Duplicate(matrix->doc->root, true);
	SCOPED(strlist_done) struct strlist texts = {0};
	struct matrix_case one = {.values = matrix->values};
	const cJSON *value;

	cJSON_ArrayForEach(value, matrix->values) {
		SCOPED(mem_free) char *text = value_text(value);

		strlist_add(&texts, "%s=%s", value->string, text);
	}
	one.axes = (const char *const *)texts.item;
	one.changed = one.axes || (matrix->sets && matrix->sets[0]);
	/* Pinned paths go in before the variants look, as the axes do, and once more
	 * after them: --set has the last word. */
	if (!apply_sets(root, matrix->sets, err) || !put_axes(root, matrix, err) ||
		!apply_variants(root, matrix->doc, &one.changed, err) ||
		!apply_sets(root, matrix->sets, err))
		return false;
	cJSON_DeleteItemFromObjectCaseSensitive(root, "matrix");
	cJSON_DeleteItemFromObjectCaseSensitive(root, "variants");
	return matrix->each(matrix->arg, &one, root, err);
}

/* The combinations of this axis and those behind it. */
static bool expand(const struct matrix *matrix, const cJSON *axis, struct err *err)
{
	const cJSON *value;
	bool ok = true;

	while (axis && is_pinned(matrix->sets, axis->string))
		axis = axis->next;
	if (!axis)
		return make_one(matrix, err);
	for (value = axis->child; ok && value; value = value->next) {
		cJSON_AddItemToObject(
			matrix->values, axis->string, cJSON_Duplicate(value, true));
		ok = expand(matrix, axis->next, err);
		cJSON_DeleteItemFromObjectCaseSensitive(matrix->values, axis->string);
	}
	return ok;
}

bool matrix_expand(const struct json_doc *doc, const char *const *sets, matrix_fn *each,
	void *arg, struct err *err)
{
	SCOPED(json_free) cJSON *values = cJSON_CreateObject();
	const struct matrix matrix = {doc, sets, each, arg, values};
	const cJSON *axes = json_get(doc->root, "matrix");

	return check_axes(&matrix, axes, err) &&
		expand(&matrix, axes ? axes->child : NULL, err);
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

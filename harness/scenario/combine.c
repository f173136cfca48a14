#include "harness/scenario/combine.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/scenario.h"
#include "lib/mem.h"

/* The axes of a matrix, and where each stands. */
struct matrix {
	const cJSON *axes[COMBINE_AXES_MAX]; /* arrays, named by their paths */
	unsigned at[COMBINE_AXES_MAX];
	unsigned count;
};

/* "key=value": the value is JSON where it is that, else a string. */
static char *set_path(const char *set)
{
	return mem_textf("%.*s", (int)strcspn(set, "="), set);
}

static cJSON *set_value(const char *set)
{
	const char *text = set + strcspn(set, "=") + 1;
	cJSON *value = json_parse(text, strlen(text));

	return value ? value : cJSON_CreateString(text);
}

static bool is_pinned(const char *const *sets, const char *path)
{
	size_t len = strlen(path);

	for (unsigned i = 0; sets && sets[i]; i++) {
		if (strncmp(sets[i], path, len) == 0 && sets[i][len] == '=')
			return true;
	}
	return false;
}

static bool check_path(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err)
{
	struct err why = {0};

	return fields_knows(scenario_fields, path, &why) ||
		json_doc_wrong(doc, node, err, "%s", why.text);
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
		if (!check_path(doc, axis, axis->string, err))
			return false;
		if (!cJSON_IsArray(axis) || cJSON_GetArraySize(axis) == 0)
			return json_doc_wrong(doc, axis, err,
				"matrix: expected a list of values, not %s", json_kind(axis));
		if (is_pinned(sets, axis->string))
			continue;
		if (matrix->count == COMBINE_AXES_MAX)
			return json_doc_wrong(doc, axis, err, "matrix: more than %d axes",
				COMBINE_AXES_MAX);
		matrix->axes[matrix->count++] = axis;
	}
	return true;
}

static const cJSON *value_of(const struct matrix *matrix, unsigned axis)
{
	return cJSON_GetArrayItem(matrix->axes[axis], (int)matrix->at[axis]);
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

static bool put_copy(cJSON *root, const struct json_doc *doc, const cJSON *place,
	const char *path, const cJSON *value, struct err *err)
{
	struct err why = {0};

	return json_put_at(root, path, cJSON_Duplicate(value, true), &why) ||
		json_doc_wrong(doc, place, err, "%s", why.text);
}

/* {"path": value, ...}, each put into root. */
static bool put_all(cJSON *root, const struct json_doc *doc, const cJSON *set,
	struct err *err)
{
	const cJSON *item;

	if (!cJSON_IsObject(set))
		return json_doc_wrong(doc, set, err,
			"set: expected an object such as {\"load.sessions\": 20}, not %s",
			json_kind(set));
	cJSON_ArrayForEach(item, set) {
		if (!check_path(doc, item, item->string, err) ||
			!put_copy(root, doc, item, item->string, item, err))
			return false;
	}
	return true;
}

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

static bool apply_variants(cJSON *root, const struct json_doc *doc, struct err *err)
{
	const cJSON *variants = json_get(doc->root, "variants");
	const cJSON *variant;

	if (variants && !cJSON_IsArray(variants))
		return json_doc_wrong(doc, variants, err,
			"variants: expected a list of {\"where\": {...}, \"set\": {...}}, not "
			"%s",
			json_kind(variants));
	cJSON_ArrayForEach(variant, variants) {
		const cJSON *where = json_get(variant, "where");
		const cJSON *set = json_get(variant, "set");
		const cJSON *item;

		if (!cJSON_IsObject(where) || !cJSON_IsObject(set) ||
			cJSON_GetArraySize(variant) != 2)
			return json_doc_wrong(doc, variant, err,
				"variants: expected {\"where\": {...}, \"set\": {...}}");
		cJSON_ArrayForEach(item, where) {
			if (!check_path(doc, item, item->string, err))
				return false;
		}
		if (matches(root, where) && !put_all(root, doc, set, err))
			return false;
	}
	return true;
}

static bool apply_sets(cJSON *root, const char *const *sets, struct err *err)
{
	for (unsigned i = 0; sets && sets[i]; i++) {
		SCOPED(mem_free) char *path = set_path(sets[i]);
		struct err why = {0};

		if (strchr(sets[i], '=') == NULL)
			return err_set(err, "--set %s: expected KEY=VALUE", sets[i]);
		if (!fields_knows(scenario_fields, path, &why) ||
			!json_put_at(root, path, set_value(sets[i]), &why))
			return err_set(err, "--set %s: %s", sets[i], why.text);
	}
	return true;
}

/* Pinned paths go in before the variants look, the axes as well. */
static bool make_one(const struct json_doc *doc, const char *const *sets,
	const struct matrix *matrix, combine_fn *each, void *arg, struct err *err)
{
	SCOPED(json_free) cJSON *root = cJSON_Duplicate(doc->root, true);
	struct combination combination = {.axis_count = matrix->count};
	char *texts[COMBINE_AXES_MAX] = {0};
	bool ok = apply_sets(root, sets, err);

	for (unsigned i = 0; i < matrix->count; i++) {
		const cJSON *value = value_of(matrix, i);

		texts[i] = cJSON_IsString(value) ? mem_text(value->valuestring)
						 : json_print(value);
		combination.axes[i] = (struct axis){matrix->axes[i]->string, texts[i]};
		ok = ok && put_copy(root, doc, matrix->axes[i], matrix->axes[i]->string,
				   value, err);
	}
	/* --set has the last word. */
	ok = ok && apply_variants(root, doc, err) && apply_sets(root, sets, err);
	if (ok) {
		cJSON_DeleteItemFromObjectCaseSensitive(root, "matrix");
		cJSON_DeleteItemFromObjectCaseSensitive(root, "variants");
		ok = each(arg, &combination, root, err);
	}
	for (unsigned i = 0; i < matrix->count; i++)
		free(texts[i]);
	return ok;
}

bool combine(const struct json_doc *doc, const char *const *sets, combine_fn *each, void *arg,
	struct err *err)
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

bool combine_twin(cJSON *root, const struct json_doc *doc, const cJSON *twin,
	struct err *err)
{
	const cJSON *place = json_get(doc->root, "twin");
	const cJSON *set = json_get(twin, "set");
	const cJSON *expect = json_get(twin, "expect");

	if (!place)
		place = doc->root;
	if (!cJSON_IsObject(set) || !cJSON_IsObject(expect) || cJSON_GetArraySize(twin) != 2)
		return json_doc_wrong(doc, place, err,
			"twin: expected {\"set\": {...}, \"expect\": {...}}");
	/* The twin is a copy: its own members have no place in the text, the file's do. */
	if (cJSON_Compare(twin, place, true)) {
		set = json_get(place, "set");
		expect = json_get(place, "expect");
	}
	return put_all(root, doc, set, err) &&
		put_copy(root, doc, expect, "expect", expect, err);
}

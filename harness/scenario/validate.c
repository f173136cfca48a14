#include "harness/scenario/validate.h"

#include <string.h>

#include "harness/scenario/matrix.h"
#include "harness/scenario/override.h"
#include "harness/scenario/scenario.h"
#include "lib/mem.h"

struct proof {
	const struct json_doc *doc;
	validate_wrong_fn *wrong;
	void *arg;
	unsigned count;
	struct err first; /* of the value at hand */
};

/* An object on its way into its struct. */
struct part {
	const struct field *fields;
	void *out;
	const cJSON *object;
	const char *path; /* "stop", "" for the root */
};

static void report(struct proof *proof, const struct err *err)
{
	proof->count++;
	if (proof->wrong)
		proof->wrong(proof->arg, err);
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static bool pass_over(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	(void)out;
	(void)doc;
	(void)node;
	(void)err;
	return true;
}

static void refuse_unknown(
	struct proof *proof, const struct part *part, const cJSON *node)
{
	const char *dot = *part->path ? "." : "";
	struct err err, why = {0};

	/* A dotted key, where the format has paths, is known and out of place. */
	if (fields_knows(part->fields, node->string, &why))
		json_doc_wrong(proof->doc, node, &err,
			"%s%s%s: no such key; a path is one in matrix, variants and twin",
			part->path, dot, node->string);
	else
		json_doc_wrong(
			proof->doc, node, &err, "%s%s%s", part->path, dot, why.text);
	report(proof, &err);
}

/* Reads one member with the rest of its object passed over: fields_read() stops at the
 * first mistake. */
static void read_alone(struct proof *proof, const struct part *part,
	const struct field *field, const cJSON *node)
{
	size_t count = (size_t)cJSON_GetArraySize(part->object);
	SCOPED(mem_free) struct field *table = mem_zeroed((count + 1) * sizeof *table);
	struct err err;
	const cJSON *other;
	size_t rows = 0;

	table[rows++] = *field;
	cJSON_ArrayForEach(other, part->object) {
		if (other != node)
			table[rows++] = (struct field){
				.name = other->string,
				.kind = FIELD_OTHER,
				.read = pass_over,
			};
	}
	if (!fields_read(table, part->out, proof->doc, part->object, part->path, &err))
		report(proof, &err);
}

static void read_part(struct proof *proof, const struct part *part)
{
	const cJSON *node;

	cJSON_ArrayForEach(node, part->object) {
		const struct field *field = find_field(part->fields, node->string);
		SCOPED(mem_free) char *path = mem_textf(
			"%s%s%s", part->path, *part->path ? "." : "", node->string);

		if (!field)
			refuse_unknown(proof, part, node);
		else if (field->kind == FIELD_OBJECT && cJSON_IsObject(node))
			read_part(proof,
				&(struct part){
					.fields = field->fields,
					.out = (char *)part->out + field->offset,
					.object = node,
					.path = path,
				});
		else
			read_alone(proof, part, field, node);
	}
}

unsigned validate_read(const struct json_doc *doc, const cJSON *root,
	validate_wrong_fn *wrong, void *arg)
{
	struct proof proof = {.doc = doc, .wrong = wrong, .arg = arg};
	struct scenario scratch;

	scenario_preset(&scratch);
	read_part(&proof,
		&(struct part){
			.fields = scenario_fields,
			.out = &scratch,
			.object = root,
			.path = "",
		});
	scenario_done(&scratch);
	return proof.count;
}

/* --- what would be put into it --- */

static void keep_first(void *arg, const struct err *err)
{
	struct proof *proof = arg;

	if (!proof->first.text[0])
		proof->first = *err;
}

static bool validate_path(struct proof *proof, const cJSON *item)
{
	struct err err;

	if (override_check(proof->doc, item, item->string, &err))
		return true;
	report(proof, &err);
	return false;
}

/* The file as it stands is good: with this value in it, what is wrong is the value. */
static void validate_value(
	struct proof *proof, const char *what, const char *path, const cJSON *value)
{
	SCOPED(json_free) cJSON *root = cJSON_Duplicate(proof->doc->root, true);
	SCOPED(mem_free) char *name = mem_text(what);
	struct json_doc copy = {.name = name, .root = root};
	struct err err;

	proof->first = (struct err){0};
	if (!json_put_at(root, path, cJSON_Duplicate(value, true), &err) ||
		validate_read(&copy, root, keep_first, proof) == 0)
		return;
	json_doc_wrong(proof->doc, value, &err, "%s", proof->first.text);
	report(proof, &err);
}

static void validate_set(struct proof *proof, const char *what, const cJSON *set)
{
	const cJSON *item;

	if (!cJSON_IsObject(set))
		return;
	cJSON_ArrayForEach(item, set) {
		if (validate_path(proof, item))
			validate_value(proof, what, item->string, item);
	}
}

static void validate_twin(struct proof *proof, const cJSON *twin)
{
	const cJSON *expect = json_get(twin, "expect");

	validate_set(proof, "twin", json_get(twin, "set"));
	if (expect)
		validate_value(proof, "twin", "expect", expect);
}

static void validate_matrix(struct proof *proof, const cJSON *matrix)
{
	const cJSON *axis, *value;

	if (!cJSON_IsObject(matrix))
		return;
	cJSON_ArrayForEach(axis, matrix) {
		if (!cJSON_IsArray(axis) || !validate_path(proof, axis))
			continue;
		cJSON_ArrayForEach(value, axis)
			validate_value(proof, "matrix", axis->string, value);
	}
}

unsigned validate_changes(
	const struct json_doc *doc, validate_wrong_fn *wrong, void *arg)
{
	struct proof proof = {.doc = doc, .wrong = wrong, .arg = arg};
	const cJSON *variant;

	validate_matrix(&proof, json_get(doc->root, "matrix"));
	cJSON_ArrayForEach(variant, json_get(doc->root, "variants")) {
		const cJSON *set = json_get(variant, "set");

		validate_set(&proof, "variants", set);
		validate_twin(&proof, json_get(set, "twin"));
	}
	validate_twin(&proof, json_get(doc->root, "twin"));
	return proof.count;
}

unsigned validate_sets(const struct json_doc *doc, const char *const *sets,
	validate_wrong_fn *wrong, void *arg)
{
	struct proof proof = {.doc = doc, .wrong = wrong, .arg = arg};

	for (unsigned i = 0; sets && sets[i]; i++) {
		SCOPED(json_free) cJSON *root = cJSON_Duplicate(doc->root, true);
		SCOPED(mem_free) char *name = mem_textf("--set %s", sets[i]);
		struct json_doc copy = {.name = name, .root = root};

		proof.first = (struct err){0};
		if (!matrix_set(root, sets[i], &proof.first) ||
			validate_read(&copy, root, keep_first, &proof) > 0)
			report(&proof, &proof.first);
	}
	return proof.count;
}

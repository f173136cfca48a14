#include "harness/compare/results_file.h"

#include <string.h>

#include "harness/results/results.h"
#include "harness/results/results_members.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"

#define CEILING ((size_t)256 << 20)

static bool read_text(struct json_doc *doc, const char *path, struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = CEILING};

	if (!fs_read_file(&text, path))
		return err_sys(err, "%s", path);
	if (text.full)
		return err_set(err, "%s: larger than %zu MiB", path, CEILING >> 20);
	if (text.len == 0)
		return err_set(err, "%s: is empty", path);
	return json_doc_parse(doc, path, buf_text(&text), text.len, err);
}

/* First of all: the members of another version are of another form. */
static bool check_version(const struct json_doc *doc, struct err *err)
{
	const char *writer = json_text(doc->root, "stopbench");
	const cJSON *schema = json_get(doc->root, "schema");
	int64_t version;

	if (!writer)
		return json_doc_wrong(doc, doc->root, err,
			"is no results.json of `stopbench run`: it has no \"stopbench\"");
	if (!schema)
		return json_doc_wrong(doc, doc->root, err,
			"schema is missing: stopbench %s wrote it in a format that is older "
			"than %d, the one that is read here",
			writer, RESULTS_SCHEMA);
	if (!json_whole(schema, &version) || version != RESULTS_SCHEMA)
		return json_doc_wrong(doc, schema, err,
			"schema: expected %d; stopbench %s wrote it in another format",
			RESULTS_SCHEMA, writer);
	return true;
}

/* Was the stop as expected, by its expectations? */
static bool check_met(
	const struct json_doc *doc, const cJSON *round, unsigned index, struct err *err)
{
	bool met = json_bool(round, "could_run", false);
	const cJSON *expectation;

	cJSON_ArrayForEach(expectation, json_get(round, "expectations"))
		met = met && json_bool(expectation, "met", false);
	if (met == json_bool(round, "met", false))
		return true;
	return json_doc_wrong(doc, json_get(round, "met"), err,
		"cases[%u].met: %s, but by could_run and the expectations it is %s",
		index, met ? "false" : "true", met ? "true" : "false");
}

static bool check_counts(const struct json_doc *doc, struct err *err)
{
	const cJSON *summary = json_get(doc->root, "summary");
	const cJSON *round;
	const char *wrong;
	unsigned counted, index = 0;

	cJSON_ArrayForEach(round, json_get(doc->root, "cases")) {
		if (!check_met(doc, round, index++, err))
			return false;
	}
	if (results_are_counted(doc->root, &wrong, &counted))
		return true;
	return json_doc_wrong(doc, json_get(summary, wrong), err,
		"summary.%s: expected %u, as the cases have it", wrong, counted);
}

cJSON *results_file_read(const char *path, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	if (!read_text(&doc, path, err) || !check_version(&doc, err) ||
		!members_check(&doc, results_members, err) || !check_counts(&doc, err))
		return NULL;
	return json_copy_exact(doc.root);
}

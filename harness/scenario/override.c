#include "harness/scenario/override.h"

#include <string.h>

#include "harness/scenario/scenario.h"

bool override_possible(const char *path, struct err *err)
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

bool override_check(const struct json_doc *doc, const cJSON *node, const char *path,
	struct err *err)
{
	struct err why = {0};

	return override_possible(path, &why) ||
		json_doc_wrong(doc, node, err, "%s", why.text);
}

bool override_put(cJSON *root, const struct json_doc *doc, const cJSON *place,
	const char *path, const cJSON *value, struct err *err)
{
	struct err why = {0};

	return json_put_at(root, path, cJSON_Duplicate(value, true), &why) ||
		json_doc_wrong(doc, place, err, "%s", why.text);
}

bool override_put_all(
	cJSON *root, const struct json_doc *doc, const cJSON *set, struct err *err)
{
	const cJSON *item;

	if (!cJSON_IsObject(set))
		return json_doc_wrong(doc, set, err,
			"set: expected an object such as {\"load.sessions\": 20}, not %s",
			json_kind(set));
	cJSON_ArrayForEach(item, set) {
		if (!override_check(doc, item, item->string, err) ||
			!override_put(root, doc, item, item->string, item, err))
			return false;
	}
	return true;
}

#include "kube-fake/patch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

static cJSON *get(cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* --- merge patch --- */

static void merge(cJSON *target, const cJSON *patch)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, patch) {
		if (cJSON_IsNull(item)) {
			cJSON_DeleteItemFromObjectCaseSensitive(target, item->string);
		} else if (cJSON_IsObject(item)) {
			if (!cJSON_IsObject(get(target, item->string)))
				put(target, item->string, cJSON_CreateObject());
			merge(get(target, item->string), item);
		} else {
			put(target, item->string, cJSON_Duplicate(item, true));
		}
	}
}

/* --- strategic merge patch --- */

/* The patchMergeKey of lists, as the types of k8s.io/api declare them; "" is a list of
 * plain values that is merged. Other lists are replaced. */
static const struct {
	const char *list, *key;
} merge_keys[] = {
	{"containers", "name"},
	{"initContainers", "name"},
	{"ephemeralContainers", "name"},
	{"env", "name"},
	{"volumes", "name"},
	{"volumeMounts", "mountPath"},
	{"imagePullSecrets", "name"},
	{"hostAliases", "ip"},
	{"ownerReferences", "uid"},
	{"conditions", "type"},
	{"addresses", "type"},
	{"taints", "key"},
	{"finalizers", ""},
};

static const char *merge_key(const char *list, const cJSON *patch)
{
	for (size_t i = 0; i < COUNT(merge_keys); i++)
		if (!strcmp(merge_keys[i].list, list))
			return merge_keys[i].key;
	/* "port" of a service, "containerPort" of a container. */
	if (!strcmp(list, "ports"))
		return json_get(patch->child, "containerPort") ? "containerPort"
							       : "port";
	return NULL;
}

static void merge_strategic(cJSON *target, const cJSON *patch);

static cJSON *find_by_key(cJSON *list, const char *key, const cJSON *like)
{
	const cJSON *wanted = *key ? json_get(like, key) : like;
	cJSON *item;

	cJSON_ArrayForEach(item, list)
		if (cJSON_Compare(*key ? json_get(item, key) : item, wanted, true))
			return item;
	return NULL;
}

static bool says(const cJSON *patch, const char *directive)
{
	const char *said = json_text(patch, "$patch");

	return said && !strcmp(said, directive);
}

static void merge_list(cJSON *target, const char *key, const cJSON *patch)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, patch) {
		cJSON *have = find_by_key(target, key, item);

		if (says(item, "delete")) {
			if (have)
				cJSON_Delete(cJSON_DetachItemViaPointer(target, have));
		} else if (have && *key) {
			merge_strategic(have, item);
		} else if (!have) {
			cJSON_AddItemToArray(target, cJSON_Duplicate(item, true));
		}
	}
}

static void delete_values(cJSON *target, const char *list, const cJSON *values)
{
	cJSON *have = get(target, list);
	const cJSON *value;

	cJSON_ArrayForEach(value, values) {
		cJSON *item = find_by_key(have, "", value);

		if (item)
			cJSON_Delete(cJSON_DetachItemViaPointer(have, item));
	}
	if (have && cJSON_GetArraySize(have) == 0)
		cJSON_DeleteItemFromObjectCaseSensitive(target, list);
}

static void retain_keys(cJSON *target, const cJSON *keys)
{
	cJSON *item = target->child;

	while (item) {
		cJSON *next = item->next;
		bool kept = false;
		const cJSON *key;

		cJSON_ArrayForEach(key, keys)
			kept = kept || !strcmp(key->valuestring, item->string);
		if (!kept)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, item));
		item = next;
	}
}

/* "$setElementOrder/containers" is an order, which changes nothing here. */
static void apply_directive(cJSON *target, const cJSON *item)
{
	static const char deletes[] = "$deleteFromPrimitiveList/";

	if (!strncmp(item->string, deletes, strlen(deletes)))
		delete_values(target, item->string + strlen(deletes), item);
	else if (!strcmp(item->string, "$retainKeys"))
		retain_keys(target, item);
}

static void merge_strategic(cJSON *target, const cJSON *patch)
{
	const cJSON *item;

	if (says(patch, "replace"))
		while (target->child)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	cJSON_ArrayForEach(item, patch) {
		const char *key =
			cJSON_IsArray(item) ? merge_key(item->string, item) : NULL;
		cJSON *have = get(target, item->string);

		if (item->string[0] == '$') {
			apply_directive(target, item);
		} else if (cJSON_IsNull(item) || says(item, "delete")) {
			cJSON_DeleteItemFromObjectCaseSensitive(target, item->string);
		} else if (cJSON_IsObject(item)) {
			if (!cJSON_IsObject(have))
				put(target, item->string, cJSON_CreateObject());
			merge_strategic(get(target, item->string), item);
		} else if (key && cJSON_IsArray(have)) {
			merge_list(have, key, item);
		} else {
			put(target, item->string, cJSON_Duplicate(item, true));
		}
	}
}

/* --- JSON patch --- */

/* The container that a pointer names, and its last step, the caller's. */
static cJSON *walk(cJSON *root, const char *pointer, char **last)
{
	cJSON *at = root;

	*last = NULL;
	while (at && *pointer == '/') {
		size_t len = strcspn(pointer + 1, "/");
		char *step = mem_textf("%.*s", (int)len, pointer + 1), *to = step;

		for (char *from = step; *from; from++)
			if (from[0] == '~' && (from[1] == '0' || from[1] == '1'))
				*to++ = *++from == '1' ? '/' : '~';
			else
				*to++ = *from;
		*to = '\0';
		pointer += 1 + len;
		if (*pointer == '\0') {
			*last = step;
			return at;
		}
		at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(step))
				       : get(at, step);
		free(step);
	}
	return NULL;
}

static cJSON *member(cJSON *container, const char *step)
{
	return cJSON_IsArray(container) ? cJSON_GetArrayItem(container, atoi(step))
					: get(container, step);
}

/* cJSON 1.7.15 of Debian 12 refuses to insert into an array of two. */
static void insert_at(cJSON *array, int index, cJSON *value)
{
	int behind = cJSON_GetArraySize(array) - index;

	cJSON_AddItemToArray(array, value);
	for (; behind > 0; behind--)
		cJSON_AddItemToArray(array, cJSON_DetachItemFromArray(array, index));
}

static void insert(cJSON *container, const char *step, cJSON *value, bool replace)
{
	cJSON *have = member(container, step);

	if (cJSON_IsObject(container))
		put(container, step, value);
	else if (replace && have)
		cJSON_ReplaceItemViaPointer(container, have, value);
	else if (!strcmp(step, "-"))
		cJSON_AddItemToArray(container, value);
	else
		insert_at(container, atoi(step), value);
}

static bool apply_operation(cJSON *target, const cJSON *operation, struct err *err)
{
	const char *op = json_text(operation, "op"),
		   *path = json_text(operation, "path");
	const cJSON *value = json_get(operation, "value");
	SCOPED(mem_free) char *step = NULL;
	cJSON *container = op && path ? walk(target, path, &step) : NULL;
	cJSON *have = container ? member(container, step) : NULL;

	if (!container)
		return err_set(err, "the path %s is not there", path ? path : "(none)");
	if (!strcmp(op, "add") && value)
		insert(container, step, cJSON_Duplicate(value, true), false);
	else if (!strcmp(op, "replace") && value && have)
		insert(container, step, cJSON_Duplicate(value, true), true);
	else if (!strcmp(op, "remove") && have)
		cJSON_Delete(cJSON_DetachItemViaPointer(container, have));
	else if (strcmp(op, "test") != 0 || !cJSON_Compare(have, value, true))
		return err_set(err, "%s %s failed", op, path);
	return true;
}

bool patch_apply(cJSON *target, const char *type, const cJSON *patch, struct err *err)
{
	const cJSON *operation;

	if (type && strstr(type, "json-patch")) {
		cJSON_ArrayForEach(operation, patch)
			if (!apply_operation(target, operation, err))
				return false;
		return true;
	}
	if (!cJSON_IsObject(patch))
		return err_set(err, "the patch is no object");
	if (type && strstr(type, "strategic-merge-patch"))
		merge_strategic(target, patch);
	else
		merge(target, patch);
	return true;
}

#include "kube-fake/discovery.h"

#include <stdlib.h>
#include <string.h>

#include "kube-fake/answer.h"
#include "kube-fake/fake.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static const char *const groups[] = {"apps", "discovery.k8s.io", "policy", NULL};

static cJSON *version(void)
{
	return json_fill(NULL,
		"{'major': '1', 'minor': '" FAKE_MINOR "', 'gitVersion': '" FAKE_VERSION
		"', 'gitCommit': '', 'gitTreeState': 'clean', 'buildDate': "
		"'1970-01-01T00:00:00Z', 'goVersion': '', 'compiler': '', 'platform': "
		"'linux/amd64'}");
}

static cJSON *core_versions(void)
{
	return json_fill(NULL,
		"{'kind': 'APIVersions', 'versions': ['v1'], "
		"'serverAddressByClientCIDRs': []}");
}

static cJSON *group_json(const char *group)
{
	SCOPED(mem_free) char *version_text = mem_textf("%s/v1", group);

	return json_fill(NULL,
		"{'name': %s, 'versions': [{'groupVersion': %s, 'version': 'v1'}], "
		"'preferredVersion': {'groupVersion': %s, 'version': 'v1'}}",
		group, version_text, version_text);
}

static cJSON *group_list(void)
{
	cJSON *list = json_fill(NULL, "{'kind': 'APIGroupList', 'apiVersion': 'v1'}");
	cJSON *items = cJSON_AddArrayToObject(list, "groups");

	for (const char *const *group = groups; *group; group++)
		cJSON_AddItemToArray(items, group_json(*group));
	return list;
}

static void add_verbs(cJSON *row, const char *const *verbs)
{
	cJSON *list = cJSON_AddArrayToObject(row, "verbs");

	for (; *verbs; verbs++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*verbs));
}

static cJSON *subresource_json(const struct resource *resource, const char *name)
{
	static const char *const create[] = {"create", NULL};
	static const char *const scale[] = {"get", "patch", "update", NULL};
	bool is_scale = !strcmp(name, "scale");
	SCOPED(mem_free) char *path = mem_textf("%s/%s", resource->plural, name);
	cJSON *row = json_fill(NULL,
		"{'name': %s, 'singularName': '', 'group': %s, 'version': 'v1', 'kind': "
		"%s}",
		path, is_scale ? "autoscaling" : "policy",
		is_scale ? "Scale" : "Eviction");

	cJSON_AddBoolToObject(row, "namespaced", resource->namespaced);
	add_verbs(row, is_scale ? scale : create);
	return row;
}

static void add_resource(cJSON *items, const struct resource *resource)
{
	static const char *const verbs[] = {
		"create", "delete", "get", "list", "patch", "update", "watch", NULL};
	cJSON *row = json_fill(NULL, "{'name': %s, 'singularName': %s, 'kind': %s}",
		resource->plural, resource->singular, resource->kind);

	cJSON_AddBoolToObject(row, "namespaced", resource->namespaced);
	add_verbs(row, verbs);
	if (resource->short_name)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(row, "shortNames"),
			cJSON_CreateString(resource->short_name));
	cJSON_AddItemToArray(items, row);
	for (unsigned i = 0; resource->subresources[i]; i++)
		cJSON_AddItemToArray(
			items, subresource_json(resource, resource->subresources[i]));
}

/* NULL: there is no such group. */
static cJSON *resource_list(const char *group, const char *group_version)
{
	cJSON *list = json_fill(NULL,
		"{'kind': 'APIResourceList', 'apiVersion': 'v1', 'groupVersion': %s}",
		group_version);
	cJSON *items = cJSON_AddArrayToObject(list, "resources");

	for (const struct resource *resource = resources; resource->plural; resource++)
		if (!strcmp(resource->group, group))
			add_resource(items, resource);
	if (cJSON_GetArraySize(items) > 0)
		return list;
	cJSON_Delete(list);
	return NULL;
}

/* --- /openapi/v3 --- */

static cJSON *openapi_index(void)
{
	cJSON *index = cJSON_CreateObject();
	cJSON *paths = cJSON_AddObjectToObject(index, "paths");

	cJSON_AddItemToObject(paths, "api/v1",
		json_fill(NULL, "{'serverRelativeURL': '/openapi/v3/api/v1'}"));
	for (const char *const *group = groups; *group; group++) {
		SCOPED(mem_free) char *path = mem_textf("apis/%s/v1", *group);
		SCOPED(mem_free) char *url = mem_textf("/openapi/v3/%s", path);

		cJSON_AddItemToObject(
			paths, path, json_fill(NULL, "{'serverRelativeURL': %s}", url));
	}
	return index;
}

/* That a PATCH takes ?fieldValidation: with this kubectl leaves the validation to the
 * server. */
static void add_path(cJSON *paths, const struct resource *resource)
{
	SCOPED(mem_free) char *path =
		mem_textf("/%s%s/v1%s/%s/{name}", resource->group[0] ? "apis/" : "api",
			resource->group[0] ? resource->group : "",
			resource->namespaced ? "/namespaces/{namespace}" : "",
			resource->plural);

	cJSON_AddItemToObject(paths, path,
		json_fill(NULL,
			"{'patch': {'parameters': [{'name': 'fieldValidation', 'in': "
			"'query', 'schema': {'type': 'string'}}], 'responses': {'200': "
			"{'description': 'OK'}}, 'x-kubernetes-action': 'patch', "
			"'x-kubernetes-group-version-kind': {'group': %s, 'version': 'v1', "
			"'kind': %s}}}",
			resource->group, resource->kind));
}

static cJSON *openapi_of(const char *group)
{
	cJSON *json = json_fill(NULL,
		"{'openapi': '3.0.0', 'info': {'title': 'Kubernetes', 'version': "
		"'" FAKE_VERSION "'}}");
	cJSON *paths = cJSON_AddObjectToObject(json, "paths");

	for (const struct resource *resource = resources; resource->plural; resource++)
		if (!strcmp(resource->group, group))
			add_path(paths, resource);
	return json;
}

/* The group of "GROUP/v1"; "" of "v1". NULL: neither. The caller's. */
static char *group_of(const char *path)
{
	size_t len = strlen(path);

	if (!strcmp(path, "v1"))
		return mem_text("");
	return len > 3 && !strcmp(path + len - 3, "/v1") && !strchr(path, '/')[3]
		? mem_textf("%.*s", (int)(len - 3), path)
		: NULL;
}

static cJSON *openapi(const char *path)
{
	SCOPED(mem_free) char *group = NULL;

	if (*path == '\0')
		return openapi_index();
	if (!strcmp(path, "/api/v1"))
		return openapi_of("");
	if (!strncmp(path, "/apis/", strlen("/apis/")))
		group = group_of(path + strlen("/apis/"));
	return group ? openapi_of(group) : NULL;
}

static cJSON *find(const char *path)
{
	SCOPED(mem_free) char *group = NULL;

	if (!strcmp(path, "/version"))
		return version();
	if (!strcmp(path, "/api"))
		return core_versions();
	if (!strcmp(path, "/apis"))
		return group_list();
	if (!strcmp(path, "/api/v1"))
		return resource_list("", "v1");
	if (!strncmp(path, "/openapi/v3", strlen("/openapi/v3")))
		return openapi(path + strlen("/openapi/v3"));
	if (strncmp(path, "/apis/", strlen("/apis/")) != 0)
		return NULL;
	group = group_of(path + strlen("/apis/"));
	return group && *group ? resource_list(group, path + strlen("/apis/")) : NULL;
}

bool discovery_handle(struct web_exchange *exchange)
{
	cJSON *json = find(exchange->path);

	if (json)
		answer_json(exchange, 200, json);
	return json != NULL;
}

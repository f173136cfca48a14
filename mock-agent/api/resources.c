#include "mock-agent/api/resources.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/api/query.h"

#define LIST_MOST 1000

/* A versioned definition. */
struct resource {
	char id[API_FORMAT_ID_SIZE];
	int64_t number;
	cJSON *versions; /* the newest last */
	UT_hash_handle hh;
};

struct resources {
	enum resources_kind kind;
	struct resource *by_id;
	int64_t last_number;
};

/* The members of a definition beside its id and times, and their defaults. */
struct member {
	const char *name;
	int kind;           /* cJSON's; a list is one of objects */
	const char *preset; /* JSON; NULL: it is required */
};

static const struct member agent_members[] = {
	{"name", cJSON_String, NULL},
	{"model", cJSON_Object, NULL},
	{"description", cJSON_String, "null"},
	{"system", cJSON_String, "null"},
	{"tools", cJSON_Array, "[]"},
	{"mcp_servers", cJSON_Array, "[]"},
	{"skills", cJSON_Array, "[]"},
	{"multiagent", cJSON_Object, "null"},
	{"execution_identity", cJSON_Object, "{\"type\":\"service_account\"}"},
	{"metadata", cJSON_Object, "{}"},
	{0},
};

static const struct member environment_members[] = {
	{"name", cJSON_String, NULL},
	{"description", cJSON_String, "\"\""},
	{"config", cJSON_Object, "{\"type\":\"cloud\"}"},
	{"scope", cJSON_String, "\"organization\""},
	{"metadata", cJSON_Object, "{}"},
	{0},
};

static const struct {
	const char *prefix; /* of ids */
	const char *type;
	const char *name; /* in errors */
	const struct member *members;
} kinds[] = {
	[RESOURCES_AGENTS] = {"agent", "agent", "Agent", agent_members},
	[RESOURCES_ENVIRONMENTS] = {"env", "environment", "Environment",
		environment_members},
};

struct resources *resources_create(enum resources_kind kind)
{
	struct resources *resources = mem_zeroed(sizeof *resources);

	resources->kind = kind;
	return resources;
}

static void remove_entry(struct resources *resources, struct resource *entry)
{
	HASH_DEL(resources->by_id, entry);
	cJSON_Delete(entry->versions);
	free(entry);
}

void resources_destroy(struct resources *resources)
{
	struct resource *entry, *next;

	if (!resources)
		return;
	HASH_ITER(hh, resources->by_id, entry, next)
		remove_entry(resources, entry);
	free(resources);
}

static cJSON *newest(const struct resource *entry)
{
	return cJSON_GetArrayItem(
		entry->versions, cJSON_GetArraySize(entry->versions) - 1);
}

static struct resource *find_entry(const struct resources *resources, const char *id)
{
	struct resource *entry;

	HASH_FIND_STR(resources->by_id, id, entry);
	return entry;
}

const cJSON *resources_find(
	const struct resources *resources, const char *id, int64_t version)
{
	const struct resource *entry = find_entry(resources, id);
	const cJSON *each;

	if (!entry || version == 0)
		return entry ? newest(entry) : NULL;
	cJSON_ArrayForEach(each, entry->versions) {
		if (json_int(each, "version", 0) == version)
			return each;
	}
	return NULL;
}

cJSON *resources_agent_of_session(const cJSON *agent)
{
	static const char *const not_shown[] = {
		"metadata", "created_at", "updated_at", "archived_at"};
	cJSON *shown = cJSON_Duplicate(agent, true);

	for (unsigned i = 0; i < COUNT(not_shown); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(shown, not_shown[i]);
	return shown;
}

cJSON *resources_model(const cJSON *model)
{
	if (cJSON_IsString(model))
		return json_fill(
			NULL, "{'id': %s, 'speed': 'standard'}", model->valuestring);
	if (!json_text(model, "id"))
		return NULL;
	return json_fill(cJSON_Duplicate(model, true),
		json_get(model, "speed") ? "{}" : "{'speed': 'standard'}");
}

/* The defaults of a cloud environment's configuration. */
static void complete_config(cJSON *config)
{
	if (!api_format_is(config, "type", "cloud"))
		return;
	if (!json_get(config, "networking"))
		json_fill(config, "{'networking': {'type': 'unrestricted'}}");
	if (!json_get(config, "packages"))
		json_fill(config,
			"{'packages': {'type': 'packages', 'apt': [], 'cargo': [], "
			"'gem': [], 'go': [], 'npm': [], 'pip': []}}");
}

/* Adds what is not there of what every tool of a toolset says. */
static void complete_setting(cJSON *setting, const char *policy)
{
	if (!json_get(setting, "enabled"))
		json_fill(setting, "{'enabled': true}");
	if (!json_get(setting, "permission_policy"))
		json_fill(setting, "{'permission_policy': {'type': %s}}", policy);
}

/* The tools of an agent's own toolset are allowed by default, those of a server are asked
 * for. */
static void complete_tool(cJSON *tool)
{
	const bool mcp = api_format_is(tool, "type", "mcp_toolset");
	const char *policy = mcp ? "always_ask" : "always_allow";
	cJSON *config;

	if (!mcp && !api_format_is(tool, "type", "agent_toolset_20260401"))
		return;
	if (!cJSON_IsObject(json_get(tool, "default_config"))) {
		cJSON_DeleteItemFromObjectCaseSensitive(tool, "default_config");
		cJSON_AddObjectToObject(tool, "default_config");
	}
	config = cJSON_GetObjectItemCaseSensitive(tool, "default_config");
	complete_setting(config, policy);
	policy = json_text(json_get(config, "permission_policy"), "type");
	if (!json_get(tool, "configs"))
		json_fill(tool, "{'configs': []}");
	cJSON_ArrayForEach(config, cJSON_GetObjectItemCaseSensitive(tool, "configs"))
		complete_setting(config, policy ? policy : "always_ask");
}

void resources_complete_agent(cJSON *agent)
{
	cJSON *part;

	cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(agent, "tools"))
		complete_tool(part);
	cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(agent, "skills")) {
		if (json_text(part, "version"))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(part, "version");
		json_fill(part, "{'version': 'latest'}");
	}
}

/* NULL, or why member cannot have this value. */
static const char *why_wrong(const struct member *member, const cJSON *value)
{
	const cJSON *item;

	if (member->kind == cJSON_String)
		return cJSON_IsString(value) ? NULL : "Input should be a valid string";
	if (member->kind == cJSON_Object)
		return cJSON_IsObject(value) ? NULL : "Input should be an object";
	if (!cJSON_IsArray(value))
		return "Input should be a valid list";
	cJSON_ArrayForEach(item, value) {
		if (!cJSON_IsObject(item))
			return "Input should be a list of objects";
	}
	return NULL;
}

const char *resources_agent_wrong(const char *name, const cJSON *value)
{
	for (const struct member *member = agent_members; member->name; member++) {
		if (strcmp(member->name, name) == 0 && value && !cJSON_IsNull(value))
			return why_wrong(member, value);
	}
	return NULL;
}

/* The new value of a member; `sent` is NULL for an absent one or null, `now` for a new
 * definition. The caller's; NULL with the reason in wrong. */
static cJSON *member_value(const struct member *member, const cJSON *now,
	const cJSON *sent, const char **wrong)
{
	cJSON *value;

	if (!sent) {
		*wrong = "Field required";
		return member->preset ? cJSON_Parse(member->preset) : NULL;
	}
	if (strcmp(member->name, "metadata") == 0) {
		*wrong = "Input should be an object of strings";
		if (!api_format_is_metadata(sent, true))
			return NULL;
		value = now ? cJSON_Duplicate(now, true) : cJSON_CreateObject();
		api_format_patch_metadata(value, sent);
		return value;
	}
	if (strcmp(member->name, "model") == 0) {
		*wrong = "Input should be a string or an object with an id";
		return resources_model(sent);
	}
	*wrong = why_wrong(member, sent);
	return *wrong ? NULL : cJSON_Duplicate(sent, true);
}

/* False: it was refused. */
static bool set_member(
	cJSON *object, struct api_request *request, const struct member *member)
{
	const cJSON *now = json_get(object, member->name);
	const cJSON *sent = json_get(request->body, member->name);
	const char *wrong;
	cJSON *value;

	if (now && !sent)
		return true;
	value = member_value(member, now, cJSON_IsNull(sent) ? NULL : sent, &wrong);
	if (!value)
		return api_request_refuse(request, 400, "%s: %s", member->name, wrong);
	if (strcmp(member->name, "config") == 0)
		complete_config(value);
	cJSON_DeleteItemFromObjectCaseSensitive(object, member->name);
	cJSON_AddItemToObject(object, member->name, value);
	return true;
}

/* Merges the request's body into object. False: the request was refused. */
static bool set_members(cJSON *object, struct api_request *request)
{
	for (const struct member *member = kinds[request->resources->kind].members;
		member->name; member++) {
		if (!set_member(object, request, member))
			return false;
	}
	if (request->resources->kind == RESOURCES_AGENTS)
		resources_complete_agent(object);
	api_format_stamp(object, "updated_at");
	return true;
}

void resources_create_route(struct api_request *request)
{
	struct resources *resources = request->resources;
	bool versioned = resources->kind == RESOURCES_AGENTS;
	struct resource *entry;
	cJSON *object;
	char id[API_FORMAT_ID_SIZE];

	if (HASH_COUNT(resources->by_id) >= RESOURCES_MAX) {
		api_request_refuse(
			request, 429, "There are %d of them already.", RESOURCES_MAX);
		return;
	}
	api_format_id(id, kinds[resources->kind].prefix);
	object = json_fill(NULL, "{'id': %s, 'type': %s, 'archived_at': null}", id,
		kinds[resources->kind].type);
	json_fill(object, versioned ? "{'version': 1}" : "{}");
	api_format_stamp(object, "created_at");
	if (!set_members(object, request)) {
		cJSON_Delete(object);
		return;
	}
	entry = mem_zeroed(sizeof *entry);
	memcpy(entry->id, id, sizeof entry->id);
	entry->number = ++resources->last_number;
	entry->versions = cJSON_CreateArray();
	cJSON_AddItemToArray(entry->versions, object);
	HASH_ADD_STR(resources->by_id, id, entry);
	api_request_answer(request, cJSON_Duplicate(object, true));
}

/* NULL: the request was refused. */
static struct resource *wanted_entry(struct api_request *request)
{
	struct resource *entry = find_entry(request->resources, request->param[0]);

	if (!entry)
		api_request_refuse(request, 404, "%s %s not found",
			kinds[request->resources->kind].name, request->param[0]);
	return entry;
}

static void render(const void *item, struct buf *text)
{
	SCOPED(mem_free) char *json = json_print(item);

	buf_adds(text, json);
}

void resources_list_route(struct api_request *request)
{
	struct resources *resources = request->resources;
	SCOPED(mem_free) struct query_item *items =
		mem_zeroed((HASH_COUNT(resources->by_id) + 1) * sizeof *items);
	bool archived = query_is_true(request, "include_archived");
	struct resource *entry, *next;
	struct query_span span;
	struct query_page page;
	size_t count = 0;

	if (!query_page_read(&page, request, LIST_MOST, true) ||
		!query_span_read(&span, request))
		return;
	HASH_ITER(hh, resources->by_id, entry, next) {
		if ((archived || !json_text(newest(entry), "archived_at")) &&
			query_span_contains(
				&span, json_text(newest(entry), "created_at")))
			items[count++] =
				(struct query_item){entry->number, newest(entry)};
	}
	query_page_answer(&page, request, items, count, render, false);
}

void resources_get_route(struct api_request *request)
{
	int64_t version = 0;
	const cJSON *object;

	if (!wanted_entry(request) ||
		!query_number(request, "version", INT64_MAX, &version))
		return;
	object = resources_find(request->resources, request->param[0], version);
	if (object)
		api_request_answer(request, cJSON_Duplicate(object, true));
	else
		api_request_refuse(request, 404, "%s has no version %lld",
			request->param[0], (long long)version);
}

void resources_update_route(struct api_request *request)
{
	struct resource *entry = wanted_entry(request);
	int64_t version = json_int(request->body, "version", 0);
	cJSON *object;

	if (!entry)
		return;
	object = newest(entry);
	if (json_text(object, "archived_at")) {
		api_request_refuse(request, 400, "%s is archived", entry->id);
		return;
	}
	if (version != 0 && version != json_int(object, "version", version)) {
		api_request_refuse(request, 409,
			"version: %lld is not the current version, %lld",
			(long long)version, (long long)json_int(object, "version", 0));
		return;
	}
	object = cJSON_Duplicate(object, true);
	if (!set_members(object, request)) {
		cJSON_Delete(object);
		return;
	}
	if (request->resources->kind == RESOURCES_AGENTS)
		cJSON_SetNumberHelper(
			cJSON_GetObjectItemCaseSensitive(object, "version"),
			(double)json_int(object, "version", 0) + 1);
	if (request->resources->kind != RESOURCES_AGENTS ||
		cJSON_GetArraySize(entry->versions) == VERSIONS_MAX)
		cJSON_DeleteItemFromArray(entry->versions, 0);
	cJSON_AddItemToArray(entry->versions, object);
	api_request_answer(request, cJSON_Duplicate(object, true));
}

void resources_versions_route(struct api_request *request)
{
	struct query_item items[VERSIONS_MAX];
	const struct resource *entry = wanted_entry(request);
	const cJSON *version;
	struct query_page page;
	size_t count = 0;

	if (!entry || !query_page_read(&page, request, LIST_MOST, true))
		return;
	cJSON_ArrayForEach(version, entry->versions) {
		items[count++] =
			(struct query_item){json_int(version, "version", 0), version};
	}
	query_page_answer(&page, request, items, count, render, false);
}

void resources_archive_route(struct api_request *request)
{
	const struct resource *entry = wanted_entry(request);

	if (!entry)
		return;
	if (!json_text(newest(entry), "archived_at"))
		api_format_stamp(newest(entry), "archived_at");
	api_request_answer(request, cJSON_Duplicate(newest(entry), true));
}

void resources_delete_route(struct api_request *request)
{
	struct resource *entry = wanted_entry(request);
	cJSON *body;

	if (!entry)
		return;
	body = json_fill(NULL, "{'id': %s, 'type': 'environment_deleted'}", entry->id);
	remove_entry(request->resources, entry);
	api_request_answer(request, body);
}

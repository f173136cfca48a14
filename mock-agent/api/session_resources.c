#include "mock-agent/api/session_resources.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/api/query.h"
#include "mock-agent/session/api_session.h"

#define PAGE_MOST 1000

static const struct kind {
	const char *type;
	const char *names; /* the member that says which one it is */
	const char *mount; /* where, in front of the last part of that; NULL: nowhere */
} kinds[] = {
	{"file", "file_id", "/mnt/session/uploads/"},
	{"github_repository", "url", "/workspace/"},
	{"memory_store", "memory_store_id", NULL},
};

static const struct kind *kind_of(const cJSON *resource)
{
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		if (api_format_is(resource, "type", kinds[i].type))
			return &kinds[i];
	}
	return NULL;
}

/* `where` is in front of a member's name in errors. False: it was refused. */
static bool check(struct api_request *request, const cJSON *resource, const char *where)
{
	const struct kind *kind = kind_of(resource);
	const cJSON *path = json_get(resource, "mount_path");

	if (!kind)
		return api_request_refuse(request, 400,
			"%stype: Input should be 'file', 'github_repository' or "
			"'memory_store'",
			where);
	if (!json_text(resource, kind->names))
		return api_request_refuse(
			request, 400, "%s%s: Field required", where, kind->names);
	return !path || cJSON_IsNull(path) ||
		(cJSON_IsString(path) && *path->valuestring == '/') ||
		api_request_refuse(request, 400,
			"%smount_path: an absolute path is needed", where);
}

bool session_resources_check(struct api_request *request)
{
	const cJSON *list = json_get(request->body, "resources"), *resource;
	char where[40];
	int at = 0;

	if (!list || cJSON_IsNull(list))
		return true;
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > SESSION_RESOURCES_MAX)
		return api_request_refuse(request, 400,
			"resources: a list of at most %d is needed",
			SESSION_RESOURCES_MAX);
	cJSON_ArrayForEach(resource, list) {
		snprintf(where, sizeof where, "resources.%d.", at++);
		if (!check(request, resource, where))
			return false;
	}
	return true;
}

/* As the session has it, of what was found right: the caller's. */
static cJSON *stored_form(const cJSON *sent)
{
	const struct kind *kind = kind_of(sent);
	const char *name = kind ? json_text(sent, kind->names) : NULL, *last;
	cJSON *resource = cJSON_Duplicate(sent, true);
	char id[API_FORMAT_ID_SIZE];
	SCOPED(mem_free) char *path = NULL;

	assert(kind && name);
	cJSON_DeleteItemFromObjectCaseSensitive(resource, "authorization_token");
	if (!kind->mount)
		return resource;
	api_format_id(id, "sesrsc");
	api_format_stamp(resource, "created_at");
	api_format_stamp(resource, "updated_at");
	cJSON_DeleteItemFromObjectCaseSensitive(resource, "id");
	cJSON_AddStringToObject(resource, "id", id);
	if (!json_text(resource, "mount_path")) {
		last = strrchr(name, '/');
		path = mem_textf("%s%s", kind->mount, last ? last + 1 : name);
		cJSON_DeleteItemFromObjectCaseSensitive(resource, "mount_path");
		cJSON_AddStringToObject(resource, "mount_path", path);
	}
	return resource;
}

void session_resources_take(cJSON *stored)
{
	const cJSON *sent = json_get(stored, "resources"), *resource;
	cJSON *list = cJSON_CreateArray();

	cJSON_ArrayForEach(resource, sent)
		cJSON_AddItemToArray(list, stored_form(resource));
	cJSON_DeleteItemFromObjectCaseSensitive(stored, "resources");
	cJSON_AddItemToObject(stored, "resources", list);
}

/* The routes */

static cJSON *list_of(const struct api_request *request)
{
	return cJSON_GetObjectItemCaseSensitive(request->session->stored, "resources");
}

/* A memory store has no id but its own. NULL: the request was refused. */
static cJSON *wanted(struct api_request *request)
{
	const char *id = request->param[1];
	cJSON *resource;

	cJSON_ArrayForEach(resource, list_of(request)) {
		if (api_format_is(resource, "id", id) ||
			api_format_is(resource, "memory_store_id", id))
			return resource;
	}
	api_request_refuse(request, 404, "Resource %.100s not found", id);
	return NULL;
}

/* False: it was refused. */
static bool may_change(struct api_request *request)
{
	return request->session->status != SESSION_TERMINATED ||
		api_request_refuse(request, 400,
			"Cannot change the resources of archived session: %s",
			request->session->id);
}

void session_resources_add_route(struct api_request *request)
{
	cJSON *list = list_of(request), *resource;

	if (!may_change(request) || !check(request, request->body, ""))
		return;
	if (!api_format_is(request->body, "type", "file")) {
		api_request_refuse(request, 400, "type: Input should be 'file'");
		return;
	}
	if (cJSON_GetArraySize(list) >= SESSION_RESOURCES_MAX) {
		api_request_refuse(request, 400, "There are %d resources already.",
			SESSION_RESOURCES_MAX);
		return;
	}
	resource = stored_form(request->body);
	cJSON_AddItemToArray(list, resource);
	api_session_touch(request->session);
	api_request_answer(request, cJSON_Duplicate(resource, true));
}

static void render(const void *item, struct buf *text)
{
	SCOPED(mem_free) char *json = json_print(item);

	buf_adds(text, json);
}

/* A cursor is a place in the list: one whose resource was deleted shows the next. */
void session_resources_list_route(struct api_request *request)
{
	struct query_item items[SESSION_RESOURCES_MAX];
	const cJSON *resource;
	struct query_page page;
	size_t count = 0;

	if (!query_page_read(&page, request, PAGE_MOST, false))
		return;
	cJSON_ArrayForEach(resource, list_of(request)) {
		items[count] = (struct query_item){(int64_t)count + 1, resource};
		count++;
	}
	query_page_answer(&page, request, items, count, render, false);
}

void session_resources_get_route(struct api_request *request)
{
	const cJSON *resource = wanted(request);

	if (resource)
		api_request_answer(request, cJSON_Duplicate(resource, true));
}

void session_resources_update_route(struct api_request *request)
{
	cJSON *resource = wanted(request);

	if (!resource || !may_change(request))
		return;
	if (!json_text(request->body, "authorization_token")) {
		api_request_refuse(request, 400, "authorization_token: Field required");
		return;
	}
	if (!api_format_is(resource, "type", "github_repository")) {
		api_request_refuse(request, 400,
			"authorization_token: only a github_repository has one");
		return;
	}
	api_format_stamp(resource, "updated_at");
	api_request_answer(request, cJSON_Duplicate(resource, true));
}

void session_resources_delete_route(struct api_request *request)
{
	cJSON *resource = wanted(request);

	if (!resource || !may_change(request))
		return;
	cJSON_Delete(cJSON_DetachItemViaPointer(list_of(request), resource));
	api_session_touch(request->session);
	api_request_answer(request,
		json_fill(NULL, "{'id': %s, 'type': 'session_resource_deleted'}",
			request->param[1]));
}

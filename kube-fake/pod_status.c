#include "kube-fake/pod_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "kube-fake/store.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

static cJSON *object_at(cJSON *object, const char *key)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return item ? item : cJSON_AddObjectToObject(object, key);
}

static void set_condition(cJSON *pod, const char *type, bool is_so)
{
	cJSON *status = object_at(pod, "status");
	cJSON *list = cJSON_GetObjectItemCaseSensitive(status, "conditions"), *item;
	const char *value = is_so ? "True" : "False";
	char now[STORE_TIME_SIZE];

	if (!list)
		list = cJSON_AddArrayToObject(status, "conditions");
	store_time(0, now);
	cJSON_ArrayForEach(item, list) {
		if (strcmp(json_text(item, "type"), type) != 0)
			continue;
		if (strcmp(json_text(item, "status"), value) != 0) {
			put(item, "status", cJSON_CreateString(value));
			put(item, "lastTransitionTime", cJSON_CreateString(now));
		}
		return;
	}
	cJSON_AddItemToArray(list,
		json_fill(NULL,
			"{'type': %s, 'status': %s, 'lastProbeTime': null, "
			"'lastTransitionTime': %s}",
			type, value, now));
}

static void draw_container_id(char id[65])
{
	unsigned char raw[32];

	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		abort();
	for (unsigned i = 0; i < sizeof raw; i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
}

void pod_status_bound(cJSON *pod, const char *node, const char *host_ip)
{
	cJSON *status = object_at(pod, "status"), *list = cJSON_CreateArray();
	const cJSON *container;
	char now[STORE_TIME_SIZE];

	put(object_at(pod, "spec"), "nodeName", cJSON_CreateString(node));
	put(status, "phase", cJSON_CreateString("Pending"));
	put(status, "hostIP", cJSON_CreateString(host_ip));
	put(status, "startTime", cJSON_CreateString(store_time(0, now)));
	put(status, "qosClass", cJSON_CreateString("BestEffort"));
	cJSON_ArrayForEach(container, json_at(pod, "spec.containers")) {
		cJSON *row = json_fill(NULL,
			"{'name': %s, 'image': %s, 'imageID': '', 'restartCount': 0, "
			"'state': {'waiting': {'reason': 'ContainerCreating'}}, "
			"'lastState': {}}",
			json_text(container, "name"), json_text(container, "image"));

		cJSON_AddBoolToObject(row, "ready", false);
		cJSON_AddBoolToObject(row, "started", false);
		cJSON_AddItemToArray(list, row);
	}
	put(status, "containerStatuses", list);
	set_condition(pod, "PodScheduled", true);
	set_condition(pod, "Initialized", true);
	set_condition(pod, "ContainersReady", false);
	set_condition(pod, "Ready", false);
}

static cJSON *container_statuses(cJSON *pod)
{
	return cJSON_GetObjectItemCaseSensitive(
		object_at(pod, "status"), "containerStatuses");
}

void pod_status_running(cJSON *pod, const char *pod_ip)
{
	cJSON *status = object_at(pod, "status"), *row;
	char now[STORE_TIME_SIZE];

	store_time(0, now);
	put(status, "phase", cJSON_CreateString("Running"));
	put(status, "podIP", cJSON_CreateString(pod_ip));
	put(status, "podIPs", cJSON_CreateArray());
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(status, "podIPs"),
		json_fill(NULL, "{'ip': %s}", pod_ip));
	cJSON_ArrayForEach(row, container_statuses(pod)) {
		SCOPED(mem_free) char *whole = NULL;
		char id[65];

		draw_container_id(id);
		whole = mem_textf("containerd://%s", id);
		put(row, "containerID", cJSON_CreateString(whole));
		put(row, "started", cJSON_CreateTrue());
		put(row, "state",
			json_fill(NULL, "{'running': {'startedAt': %s}}", now));
	}
}

void pod_status_ready(cJSON *pod, bool ready)
{
	cJSON *row;

	cJSON_ArrayForEach(row, container_statuses(pod))
		put(row, "ready", cJSON_CreateBool(ready));
	set_condition(pod, "ContainersReady", ready);
	set_condition(pod, "Ready", ready);
}

static void terminate(cJSON *row, int64_t exit_code)
{
	const char *started = json_text(json_at(row, "state.running"), "startedAt");
	char now[STORE_TIME_SIZE];
	cJSON *terminated = json_fill(NULL,
		"{'exitCode': %d, 'reason': %s, 'startedAt': %s, 'finishedAt': %s, "
		"'containerID': %s}",
		(int)exit_code, exit_code == 0 ? "Completed" : "Error", started,
		store_time(0, now), json_text(row, "containerID"));
	cJSON *state = cJSON_CreateObject();

	cJSON_AddItemToObject(state, "terminated", terminated);
	put(row, "state", state);
	put(row, "started", cJSON_CreateFalse());
}

void pod_status_terminated(cJSON *pod, int64_t exit_code)
{
	cJSON *row;

	cJSON_ArrayForEach(row, container_statuses(pod))
		terminate(row, exit_code);
	put(object_at(pod, "status"), "phase",
		cJSON_CreateString(exit_code == 0 ? "Succeeded" : "Failed"));
	pod_status_ready(pod, false);
}

bool pod_status_is_ready(const cJSON *pod)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_at(pod, "status.conditions"))
		if (!strcmp(json_text(item, "type"), "Ready"))
			return !strcmp(json_text(item, "status"), "True");
	return false;
}

#include "harness/cluster/kubernetes/kube_pod.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- the container that counts --- */

static const cJSON *find_by_name(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list) {
		const char *have = json_text(item, "name");

		if (have && !strcmp(have, name))
			return item;
	}
	return NULL;
}

static const cJSON *container_status(const cJSON *pod)
{
	const char *name = json_text(json_at(pod, "metadata.annotations"),
		"kubectl.kubernetes.io/default-container");
	const cJSON *statuses = json_at(pod, "status.containerStatuses");

	if (!name)
		name = json_text(json_at(pod, "spec.containers.0"), "name");
	return name ? find_by_name(statuses, name) : NULL;
}

/* "containerd://ID" */
static const char *bare_id(const char *id)
{
	const char *scheme_end = id ? strstr(id, "://") : NULL;

	return scheme_end && scheme_end[3] ? scheme_end + 3 : NULL;
}

static bool is_true(const cJSON *pod, const char *type)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_at(pod, "status.conditions")) {
		const char *have = json_text(item, "type");
		const char *status = json_text(item, "status");

		if (have && status && !strcmp(have, type))
			return !strcmp(status, "True");
	}
	return false;
}

/* --- how far it is --- */

static bool has_all_ended(const cJSON *pod)
{
	const cJSON *statuses = json_at(pod, "status.containerStatuses"), *item;

	cJSON_ArrayForEach(item, statuses)
		if (!json_at(item, "state.terminated"))
			return false;
	return cJSON_GetArraySize(statuses) > 0;
}

static bool has_ever_run(const cJSON *pod)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_at(pod, "status.containerStatuses"))
		if (json_text(item, "containerID") || json_at(item, "state.running") ||
			json_at(item, "state.terminated"))
			return true;
	return false;
}

static enum task_state state_of(const cJSON *pod, const cJSON *container)
{
	const char *phase = json_text(json_get(pod, "status"), "phase");

	if (phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed")))
		return TASK_ENDED;
	/* A container that is to be restarted in its pod has ended for a moment only. */
	if (json_at(container, "state.terminated") &&
		json_at(pod, "metadata.deletionTimestamp"))
		return TASK_ENDED;
	if (json_at(container, "state.running"))
		return TASK_RUNNING;
	return TASK_PENDING;
}

static void read_end(struct kube_pod *out, const cJSON *terminated)
{
	const char *finished = json_text(terminated, "finishedAt");
	int64_t exit_code = json_int(terminated, "exitCode", -1);
	struct err ignored;

	out->sight.exit_code = (int)exit_code;
	if (finished &&
		clock_parse_rfc3339(&out->sight.ended_wall_ns, finished, &ignored))
		out->sight.ended_error_ns = KUBE_TIME_ERROR_NS;
}

/* --- its words --- */

static void say(struct kube_pod *out, const char *reason, const char *message)
{
	if (reason && message && *message)
		snprintf(out->message, sizeof out->message, "%s: %s", reason, message);
	else if (reason)
		snprintf(out->message, sizeof out->message, "%s", reason);
	out->sight.message = out->message[0] ? out->message : NULL;
}

static void say_restarts(struct kube_pod *out, const cJSON *container)
{
	const cJSON *last = json_at(container, "lastState.terminated");
	const char *reason = json_text(last, "reason");
	char words[128];

	snprintf(words, sizeof words, "%lld times, the last run ended with %lld (%s)",
		(long long)json_int(container, "restartCount", 0),
		(long long)json_int(last, "exitCode", -1),
		reason ? reason : "no reason");
	say(out, "restarted in its pod", words);
}

/* "Completed" is what every end with 0 is called. */
static void read_message(struct kube_pod *out, const cJSON *pod, const cJSON *container)
{
	const cJSON *status = json_get(pod, "status");
	const cJSON *terminated = json_at(container, "state.terminated");
	const cJSON *waiting = json_at(container, "state.waiting");
	const char *reason = json_text(terminated, "reason");
	const char *wait_reason = json_text(waiting, "reason");

	if (json_text(status, "reason"))
		say(out, json_text(status, "reason"), json_text(status, "message"));
	else if (reason && strcmp(reason, "Completed") != 0)
		say(out, reason, json_text(terminated, "message"));
	else if (wait_reason && strcmp(wait_reason, "ContainerCreating") != 0 &&
		strcmp(wait_reason, "PodInitializing") != 0)
		say(out, wait_reason, json_text(waiting, "message"));
	else if (json_int(container, "restartCount", 0) > 0)
		say_restarts(out, container);
}

/* --- the whole --- */

static void read_address(struct kube_pod *out, const cJSON *pod, unsigned port)
{
	const char *ip = json_text(json_get(pod, "status"), "podIP");

	if (!ip || port == 0)
		return;
	snprintf(out->address, sizeof out->address,
		strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
	out->sight.address = out->address;
}

static void read_hold(struct kube_pod *out, const cJSON *meta)
{
	const cJSON *item;
	int index = 0;

	cJSON_ArrayForEach(item, json_get(meta, "finalizers")) {
		if (cJSON_IsString(item) && !strcmp(item->valuestring, KUBE_HOLD)) {
			out->held = true;
			out->hold_index = index;
		}
		index++;
	}
}

void kube_pod_read(struct kube_pod *out, const cJSON *pod, unsigned port)
{
	const cJSON *meta = json_get(pod, "metadata");
	const cJSON *container = container_status(pod);
	const cJSON *terminated = json_at(container, "state.terminated");

	*out = (struct kube_pod){
		.sight = {.id = json_text(meta, "uid"),
			.name = json_text(meta, "name"),
			.node = json_text(json_get(pod, "spec"), "nodeName"),
			.container = bare_id(json_text(container, "containerID")),
			.state = state_of(pod, container),
			.exit_code = -1},
		.leaving = json_get(meta, "deletionTimestamp") != NULL,
	};
	out->sight.wanted = !out->leaving;
	out->sight.ready = is_true(pod, "Ready");
	if (terminated && out->sight.state == TASK_ENDED)
		read_end(out, terminated);
	read_address(out, pod, port);
	read_message(out, pod, container);
	read_hold(out, meta);
	out->is_final = out->leaving &&
		(has_all_ended(pod) || !has_ever_run(pod) ||
			json_int(meta, "deletionGracePeriodSeconds", 1) == 0);
}

cJSON *kube_pod_release_patch(const struct kube_pod *pod)
{
	SCOPED(mem_free) char *path =
		mem_textf("/metadata/finalizers/%d", pod->hold_index);
	cJSON *patch = cJSON_CreateArray();

	cJSON_AddItemToArray(patch,
		json_fill(NULL, "{'op': 'test', 'path': %s, 'value': '" KUBE_HOLD "'}",
			path));
	cJSON_AddItemToArray(
		patch, json_fill(NULL, "{'op': 'remove', 'path': %s}", path));
	return patch;
}

/* A Killing that is no more than "Stopping container web" is every stop. */
char *kube_pod_event_words(const cJSON *event)
{
	static const char *const told[] = {"ExceededGracePeriod", "FailedPreStopHook",
		"FailedKillPod", "Evicted", "Preempting", "OOMKilling", "NodeNotReady",
		"TaintManagerEviction", "Killing"};
	const char *reason = json_text(event, "reason");
	const char *message = json_text(event, "message");

	if (!reason || !message ||
		(!strcmp(reason, "Killing") &&
			!strncmp(message, "Stopping container", 18)))
		return NULL;
	for (size_t i = 0; i < COUNT(told); i++)
		if (!strcmp(reason, told[i]))
			return mem_textf("%s: %s", reason, message);
	return NULL;
}

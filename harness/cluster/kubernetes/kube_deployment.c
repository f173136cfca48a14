#include "harness/cluster/kubernetes/kube_deployment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/cluster/kubernetes/kube_pod.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- its creation --- */

static int64_t whole_seconds(int64_t ns)
{
	return (ns + CLOCK_S - 1) / CLOCK_S;
}

static void add_labels(
	cJSON *object, const struct cluster_spec *spec, const char *run_id)
{
	SCOPED(mem_free) char *home = run_label_home();

	json_fill(cJSON_GetObjectItemCaseSensitive(object, "metadata"),
		"{'labels': {'app.kubernetes.io/managed-by': 'stopbench', "
		"'" KUBE_SERVICE_LABEL "': %s, '" RUN_LABEL
		"': %s}, 'annotations': {'" RUN_LABEL_HOME "': %s}}",
		spec->name, run_id, home);
}

static void add_list(cJSON *object, const char *key, const char *const *texts)
{
	cJSON *list;

	if (!texts)
		return;
	list = cJSON_AddArrayToObject(object, key);
	for (; *texts; texts++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*texts));
}

static void add_env(cJSON *container, const char *const *env)
{
	cJSON *list = cJSON_AddArrayToObject(container, "env");

	for (; env && *env; env++) {
		SCOPED(mem_free)
		char *name = mem_textf("%.*s", (int)strcspn(*env, "="), *env);
		const char *value = strchr(*env, '=');

		cJSON_AddItemToArray(list,
			json_fill(NULL, "{'name': %s, 'value': %s}", name,
				value ? value + 1 : ""));
	}
}

static void add_port(cJSON *container, const struct cluster_spec *spec)
{
	if (spec->port == 0)
		return;
	json_fill(container, "{'ports': [{'containerPort': %u}]}", spec->port);
	if (spec->ready_path)
		json_fill(container,
			"{'readinessProbe': {'httpGet': {'path': %s, 'port': %u}, "
			"'periodSeconds': 1, 'failureThreshold': 1}}",
			spec->ready_path, spec->port);
}

/* No image is pulled: it is on every node. */
static cJSON *container(const struct cluster_spec *spec)
{
	cJSON *json = json_fill(NULL,
		"{'name': 'service', 'image': %s, 'imagePullPolicy': 'Never'}",
		spec->image);

	add_list(json, "command", spec->entrypoint);
	add_list(json, "args", spec->command);
	add_env(json, spec->env);
	add_port(json, spec);
	if (spec->stop_signal)
		json_fill(json, "{'lifecycle': {'stopSignal': %s}}", spec->stop_signal);
	return json;
}

static cJSON *pod_spec(const struct cluster_spec *spec)
{
	int64_t grace_s = whole_seconds(spec->grace_ns);
	cJSON *json = cJSON_CreateObject();

	json_add_int(json, "terminationGracePeriodSeconds", grace_s > 0 ? grace_s : 1);
	/* lifecycle.stopSignal demands the system's name. */
	if (spec->stop_signal)
		json_fill(json, "{'os': {'name': 'linux'}}");
	/* Else variables of every service there is are in its environment. */
	cJSON_AddFalseToObject(json, "enableServiceLinks");
	cJSON_AddItemToArray(
		cJSON_AddArrayToObject(json, "containers"), container(spec));
	return json;
}

static cJSON *strategy(const struct cluster_spec *spec)
{
	unsigned batch = spec->parallelism > 0 ? spec->parallelism : 1;
	bool start_first = spec->order == UPDATE_START_FIRST;

	return json_fill(NULL,
		"{'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': %u, "
		"'maxUnavailable': %u}}",
		start_first ? batch : 0, start_first ? 0 : batch);
}

cJSON *kube_deployment_json(const struct cluster_spec *spec, const char *run_id)
{
	cJSON *json = json_fill(NULL,
		"{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': %s}, "
		"'spec': {'replicas': %u, 'selector': {'matchLabels': {'" KUBE_SERVICE_LABEL
		"': %s, '" RUN_LABEL "': %s}}, 'template': {'metadata': "
		"{'finalizers': ['" KUBE_HOLD "']}}}}",
		spec->name, spec->replicas, spec->name, run_id);
	cJSON *body = cJSON_GetObjectItemCaseSensitive(json, "spec");
	cJSON *template = cJSON_GetObjectItemCaseSensitive(body, "template");

	add_labels(json, spec, run_id);
	add_labels(template, spec, run_id);
	cJSON_AddItemToObject(template, "spec", pod_spec(spec));
	cJSON_AddItemToObject(body, "strategy", strategy(spec));
	json_add_int(body, "minReadySeconds", whole_seconds(spec->delay_ns));
	return json;
}

cJSON *kube_service_json(const struct cluster_spec *spec, const char *run_id)
{
	cJSON *json = json_fill(NULL,
		"{'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': %s}, 'spec': "
		"{'type': %s, 'selector': {'" KUBE_SERVICE_LABEL "': %s, '" RUN_LABEL
		"': %s}, 'ports': [{'port': %u, 'targetPort': %u}]}}",
		spec->name, spec->publish == PUBLISH_MESH ? "NodePort" : "ClusterIP",
		spec->name, run_id, spec->port, spec->port);

	add_labels(json, spec, run_id);
	return json;
}

/* --- its pods --- */

static void add_term(struct buf *text, const char *format, ...) PRINTF(2, 3);

static void add_term(struct buf *text, const char *format, ...)
{
	va_list args;

	if (text->len > 0)
		buf_adds(text, ",");
	va_start(args, format);
	buf_addv(text, format, args);
	va_end(args);
}

static void add_values(struct buf *text, const cJSON *values)
{
	const cJSON *value;
	const char *before = "";

	buf_adds(text, "(");
	cJSON_ArrayForEach(value, values) {
		buf_addf(text, "%s%s", before,
			cJSON_IsString(value) ? value->valuestring : "");
		before = ",";
	}
	buf_adds(text, ")");
}

static void add_expression(struct buf *text, const cJSON *expression)
{
	const char *key = json_text(expression, "key");
	const char *operator= json_text(expression, "operator");

	if (!key || !operator)
		return;
	if (!strcmp(operator, "Exists")) {
		add_term(text, "%s", key);
	} else if (!strcmp(operator, "DoesNotExist")) {
		add_term(text, "!%s", key);
	} else {
		add_term(text, "%s %s ", key, !strcmp(operator, "In") ? "in" : "notin");
		add_values(text, json_get(expression, "values"));
	}
}

char *kube_deployment_selector(const cJSON *deployment, struct err *err)
{
	const cJSON *selector = json_at(deployment, "spec.selector"), *item;
	SCOPED(buf_done) struct buf text = {0};

	cJSON_ArrayForEach(item, json_get(selector, "matchLabels"))
		if (cJSON_IsString(item))
			add_term(&text, "%s=%s", item->string, item->valuestring);
	cJSON_ArrayForEach(item, json_get(selector, "matchExpressions"))
		add_expression(&text, item);
	if (text.len == 0) {
		err_set(err, "its selector names no labels");
		return NULL;
	}
	return buf_take(&text);
}

/* --- how far it is --- */

static void read_conditions(struct kube_deployment *out, const cJSON *conditions)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, conditions) {
		const char *reason = json_text(item, "reason");
		const char *message = json_text(item, "message");

		if (!reason || strcmp(reason, "ProgressDeadlineExceeded") != 0)
			continue;
		out->stuck = true;
		snprintf(out->words, sizeof out->words, "%s%s%s", reason,
			message && *message ? ": " : "", message ? message : "");
	}
}

void kube_deployment_read(struct kube_deployment *out, const cJSON *deployment)
{
	const cJSON *status = json_get(deployment, "status");

	*out = (struct kube_deployment){
		.generation =
			json_int(json_get(deployment, "metadata"), "generation", 0),
		.observed = json_int(status, "observedGeneration", -1),
		.replicas = json_int(json_get(deployment, "spec"), "replicas", 1),
		.total = json_int(status, "replicas", 0),
		.updated = json_int(status, "updatedReplicas", 0),
		.available = json_int(status, "availableReplicas", 0),
		.unavailable = json_int(status, "unavailableReplicas", 0),
	};
	read_conditions(out, json_get(status, "conditions"));
}

bool kube_deployment_is_done(const struct kube_deployment *deployment)
{
	return deployment->observed >= deployment->generation &&
		deployment->updated >= deployment->replicas &&
		deployment->total <= deployment->updated &&
		deployment->available >= deployment->updated &&
		deployment->unavailable == 0;
}

cJSON *kube_restart_patch(void)
{
	char now[64];
	struct timespec time;
	struct tm parts;

	/* With nanoseconds: two restarts within one second are two. */
	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &parts);
	strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(now + strlen(now), sizeof now - strlen(now), ".%09ldZ", time.tv_nsec);
	return json_fill(NULL,
		"{'spec': {'template': {'metadata': {'annotations': "
		"{'kubectl.kubernetes.io/restartedAt': %s}}}}}",
		now);
}

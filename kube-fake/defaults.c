#include "kube-fake/defaults.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define NODE_PORT_FIRST 30000
#define NODE_PORT_LAST  32767

/* Adds the members of the template that object does not have. Takes defaults. */
static void add_missing(cJSON *object, cJSON *defaults)
{
	while (defaults->child) {
		cJSON *item = cJSON_DetachItemViaPointer(defaults, defaults->child);

		if (json_get(object, item->string))
			cJSON_Delete(item);
		else
			cJSON_AddItemToObject(object, item->string, item);
	}
	cJSON_Delete(defaults);
}

static cJSON *object_at(cJSON *object, const char *key)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return item ? item : cJSON_AddObjectToObject(object, key);
}

/* --- names --- */

static void draw_suffix(char suffix[6])
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	unsigned char raw[5];

	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		abort();
	for (unsigned i = 0; i < 5; i++)
		suffix[i] = letters[raw[i] % (sizeof letters - 1)];
	suffix[5] = '\0';
}

static bool is_dns_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 253 || !isalnum((unsigned char)name[0]) ||
		!isalnum((unsigned char)name[len - 1]))
		return false;
	for (; *name; name++)
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
			*name != '-' && *name != '.')
			return false;
	return true;
}

static bool fill_name(cJSON *meta, struct err *err)
{
	const char *prefix = json_text(meta, "generateName");
	char suffix[6];

	if (!json_text(meta, "name") && prefix) {
		SCOPED(mem_free) char *name = NULL;

		draw_suffix(suffix);
		name = mem_textf("%s%s", prefix, suffix);
		cJSON_AddStringToObject(meta, "name", name);
	}
	if (!json_text(meta, "name"))
		return err_set(err,
			"metadata.name: Required value: name or generateName is "
			"required");
	if (!is_dns_name(json_text(meta, "name")))
		return err_set(err, "metadata.name: Invalid value: \"%s\"",
			json_text(meta, "name"));
	return true;
}

/* As ValidateFinalizerName(): qualified by a domain, unless it is one of Kubernetes'
 * own. */
static bool check_finalizers(const cJSON *meta, struct err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(meta, "finalizers"))
		if (!cJSON_IsString(item) ||
			(!strchr(item->valuestring, '/') &&
				strcmp(item->valuestring, "foregroundDeletion") != 0 &&
				strcmp(item->valuestring, "orphan") != 0))
			return err_set(err,
				"metadata.finalizers[0]: Invalid value: \"%s\": name is "
				"neither a standard finalizer name nor is it fully qualified",
				cJSON_IsString(item) ? item->valuestring : "");
	return true;
}

/* --- pods --- */

static bool fill_containers(cJSON *spec, struct err *err)
{
	cJSON *containers = cJSON_GetObjectItemCaseSensitive(spec, "containers"), *item;

	if (cJSON_GetArraySize(containers) == 0)
		return err_set(err, "spec.containers: Required value");
	cJSON_ArrayForEach(item, containers) {
		cJSON *port;

		if (!json_text(item, "name") || !json_text(item, "image"))
			return err_set(err, "spec.containers[0].image: Required value");
		add_missing(item,
			json_fill(NULL,
				"{'imagePullPolicy': 'Always', 'resources': {}, "
				"'terminationMessagePath': '/dev/termination-log', "
				"'terminationMessagePolicy': 'File'}"));
		cJSON_ArrayForEach(port, json_get(item, "ports"))
			add_missing(port, json_fill(NULL, "{'protocol': 'TCP'}"));
	}
	return true;
}

static bool fill_pod_spec(cJSON *spec, struct err *err)
{
	if (!fill_containers(spec, err))
		return false;
	add_missing(spec,
		json_fill(NULL,
			"{'restartPolicy': 'Always', 'terminationGracePeriodSeconds': 30, "
			"'dnsPolicy': 'ClusterFirst', 'securityContext': {}, "
			"'schedulerName': 'default-scheduler'}"));
	return true;
}

/* --- deployments --- */

static bool fill_deployment(cJSON *json, struct err *err)
{
	cJSON *spec = object_at(json, "spec"), *template = object_at(spec, "template");
	cJSON *strategy;
	const cJSON *labels = json_at(template, "metadata.labels");
	const cJSON *match = json_at(spec, "selector.matchLabels"), *item;

	cJSON_ArrayForEach(item, match) {
		const char *have = json_text(labels, item->string);

		if (!have || strcmp(have, item->valuestring) != 0)
			return err_set(err,
				"spec.template.metadata.labels: Invalid value: "
				"`selector` does not match template `labels`");
	}
	if (cJSON_GetArraySize(match) == 0)
		return err_set(err, "spec.selector: Required value");
	add_missing(spec,
		json_fill(NULL,
			"{'replicas': 1, 'revisionHistoryLimit': 10, "
			"'progressDeadlineSeconds': 600}"));
	strategy = object_at(spec, "strategy");
	add_missing(strategy, json_fill(NULL, "{'type': 'RollingUpdate'}"));
	if (!strcmp(json_text(strategy, "type"), "RollingUpdate"))
		add_missing(object_at(strategy, "rollingUpdate"),
			json_fill(NULL, "{'maxUnavailable': %s, 'maxSurge': %s}", "25%",
				"25%"));
	return check_finalizers(json_get(template, "metadata"), err) &&
		fill_pod_spec(object_at(template, "spec"), err);
}

/* --- services --- */

static bool is_node_port_taken(const struct store *store, int64_t wanted)
{
	const struct object *service = NULL;

	while ((service = store_next(store, &resources[RESOURCE_SERVICES], service))) {
		const cJSON *port;

		cJSON_ArrayForEach(port, json_at(service->json, "spec.ports"))
			if (json_int(port, "nodePort", 0) == wanted)
				return true;
	}
	return false;
}

static void fill_node_port(const struct store *store, cJSON *port)
{
	int64_t number = NODE_PORT_FIRST;

	if (json_get(port, "nodePort"))
		return;
	while (number < NODE_PORT_LAST && is_node_port_taken(store, number))
		number++;
	json_add_int(port, "nodePort", number);
}

static bool fill_service(const struct store *store, cJSON *json)
{
	cJSON *spec = object_at(json, "spec"), *port;
	SCOPED(mem_free) char *address =
		mem_textf("10.96.%lld.%lld", (long long)(store->version / 250 % 250),
			(long long)(store->version % 250 + 1));

	add_missing(spec,
		json_fill(NULL,
			"{'type': 'ClusterIP', 'clusterIP': %s, 'clusterIPs': [%s], "
			"'sessionAffinity': 'None', 'ipFamilies': ['IPv4'], "
			"'ipFamilyPolicy': 'SingleStack', 'internalTrafficPolicy': "
			"'Cluster'}",
			address, address));
	cJSON_ArrayForEach(port, json_get(spec, "ports")) {
		add_missing(port, json_fill(NULL, "{'protocol': 'TCP'}"));
		if (!json_get(port, "targetPort"))
			cJSON_AddItemToObject(port, "targetPort",
				cJSON_Duplicate(json_get(port, "port"), true));
		if (!strcmp(json_text(spec, "type"), "NodePort"))
			fill_node_port(store, port);
	}
	object_at(object_at(json, "status"), "loadBalancer");
	return true;
}

bool defaults_fill(const struct store *store, const struct resource *resource,
	cJSON *json, struct err *err)
{
	cJSON *meta = object_at(json, "metadata");

	if (!fill_name(meta, err) || !check_finalizers(meta, err))
		return false;
	if (resource == &resources[RESOURCE_DEPLOYMENTS])
		return fill_deployment(json, err);
	if (resource == &resources[RESOURCE_PODS])
		return fill_pod_spec(object_at(json, "spec"), err);
	if (resource == &resources[RESOURCE_SERVICES])
		return fill_service(store, json);
	return true;
}

/*
 * Kubernetes: deployments on an existing cluster, through its API alone. The scheduler,
 * the deployment controller and the kubelets act; what comes of it is watched.
 */
#include "harness/cluster/kubernetes/kubernetes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster/kubernetes/kube_clean.h"
#include "harness/cluster/kubernetes/kube_nodes.h"
#include "harness/cluster/kubernetes/kube_release.h"
#include "harness/cluster/kubernetes/kube_sight.h"
#include "harness/cluster/task_list.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static struct kubernetes *of(struct cluster *cluster)
{
	return (struct kubernetes *)cluster;
}

char *kubernetes_path(const struct kubernetes *kubernetes, const char *group,
	const char *plural, const char *name)
{
	return mem_textf("%s%s/v1/namespaces/%s/%s%s%s", group[0] ? "/apis/" : "/api",
		group, kubernetes->namespace, plural, name ? "/" : "",
		name ? name : "");
}

void kubernetes_changed(struct kubernetes *kubernetes)
{
	if (kubernetes->cluster.changed)
		kubernetes->cluster.changed(kubernetes->cluster.arg);
}

/* --- the service --- */

static void note_action(struct kubernetes *kubernetes, const cJSON *deployment)
{
	kubernetes->generation =
		json_int(json_get(deployment, "metadata"), "generation", 0);
}

static bool create(struct kubernetes *kubernetes, const char *group, const char *plural,
	const cJSON *json, cJSON **answer, struct err *err)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, group, plural, NULL);

	return kube_api_call(kubernetes->api,
		&(struct kube_call){
			.method = "POST", .path = path, .json = json, .answer = answer},
		err);
}

static bool create_service(
	struct kubernetes *kubernetes, const struct cluster_spec *spec, struct err *err)
{
	SCOPED(json_free)
	cJSON *json = kube_service_json(spec, kubernetes->cluster.options.run_id);
	SCOPED(json_free) cJSON *answer = NULL;

	if (spec->port == 0)
		return true;
	if (!create(kubernetes, "", "services", json, &answer, err))
		return err_while(err, "create service %s", spec->name);
	kubernetes->service = mem_text(spec->name);
	kubernetes->node_port =
		(unsigned)json_int(json_at(answer, "spec.ports.0"), "nodePort", 0);
	return true;
}

static bool deploy(
	struct cluster *cluster, const struct cluster_spec *spec, struct err *err)
{
	struct kubernetes *kubernetes = of(cluster);
	SCOPED(json_free)
	cJSON *json = kube_deployment_json(spec, cluster->options.run_id);
	SCOPED(json_free) cJSON *answer = NULL;

	kubernetes->port = spec->port;
	if (!create(kubernetes, "apps", "deployments", json, &answer, err))
		return err_while(err, "create deployment %s", spec->name);
	kubernetes->deployment = mem_text(spec->name);
	kubernetes->selector = kube_deployment_selector(json, err);
	note_action(kubernetes, answer);
	return kubernetes->selector && create_service(kubernetes, spec, err);
}

/* "NAMESPACE/KIND/NAME", "KIND/NAME", "NAME". */
static bool split_name(struct kubernetes *kubernetes, const char *name, struct err *err)
{
	static const char *const kinds[] = {
		"deployment", "deployments", "deploy", "deployment.apps", NULL};
	const char *last = strrchr(name, '/'), *first = strchr(name, '/');
	SCOPED(mem_free) char *kind = NULL;

	if (last && last != first) {
		free(kubernetes->namespace);
		kubernetes->namespace = mem_textf("%.*s", (int)(first - name), name);
		kind = mem_textf("%.*s", (int)(last - first - 1), first + 1);
	} else {
		kind = last ? mem_textf("%.*s", (int)(last - name), name)
			    : mem_text("deployment");
	}
	kubernetes->deployment = mem_text(last ? last + 1 : name);
	for (const char *const *known = kinds; *known; known++)
		if (!strcmp(*known, kind))
			return kubernetes->deployment[0] ||
				err_set(err, "%s: the name is missing", name);
	return err_set(err,
		"%s: expected [NAMESPACE/]deployment/NAME; services of the kind %s are not "
		"known here",
		name, kind);
}

/* Is each label of a Service's selector on the pods? */
static bool is_in_front(const cJSON *service, const cJSON *labels)
{
	const cJSON *selector = json_at(service, "spec.selector"), *item;

	cJSON_ArrayForEach(item, selector) {
		const char *have = json_text(labels, item->string);

		if (!have || !cJSON_IsString(item) ||
			strcmp(have, item->valuestring) != 0)
			return false;
	}
	return cJSON_GetArraySize(selector) > 0;
}

/* A service is not needed to watch pods: one that may not be listed is passed over. */
static void find_service(struct kubernetes *kubernetes, const cJSON *deployment)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, "", "services", NULL);
	SCOPED(json_free) cJSON *list = NULL;
	const cJSON *service;
	struct err ignored;

	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.path = path, .answer = &list}, &ignored))
		return;
	cJSON_ArrayForEach(service, json_get(list, "items")) {
		const char *name = json_text(json_get(service, "metadata"), "name");

		if (name && !kubernetes->service &&
			is_in_front(service,
				json_at(deployment, "spec.template.metadata.labels")))
			kubernetes->service = mem_text(name);
	}
}

static void note_spec(struct kubernetes *kubernetes, const cJSON *deployment)
{
	struct cluster *cluster = &kubernetes->cluster;
	const cJSON *pod = json_at(deployment, "spec.template.spec");
	const cJSON *container = json_at(pod, "containers.0");

	cluster->replicas =
		(unsigned)json_int(json_get(deployment, "spec"), "replicas", 1);
	cluster->grace_ns =
		json_int(pod, "terminationGracePeriodSeconds", 30) * CLOCK_S;
	free(cluster->stop_signal);
	cluster->stop_signal =
		mem_text(json_text(json_get(container, "lifecycle"), "stopSignal"));
	kubernetes->port =
		(unsigned)json_int(json_at(container, "ports.0"), "containerPort", 0);
	kube_deployment_read(&kubernetes->state, deployment);
	note_action(kubernetes, deployment);
}

static bool find(struct cluster *cluster, const char *name, struct err *err)
{
	struct kubernetes *kubernetes = of(cluster);
	SCOPED(json_free) cJSON *deployment = NULL;
	SCOPED(mem_free) char *path = NULL;

	if (!split_name(kubernetes, name, err))
		return false;
	path = kubernetes_path(
		kubernetes, "apps", "deployments", kubernetes->deployment);
	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.path = path, .answer = &deployment}, err))
		return err_while(
			err, "find %s in namespace %s", name, kubernetes->namespace);
	free(cluster->service);
	cluster->service = mem_text(kubernetes->deployment);
	kubernetes->selector = kube_deployment_selector(deployment, err);
	if (!kubernetes->selector)
		return err_while(err, "%s", name);
	note_spec(kubernetes, deployment);
	find_service(kubernetes, deployment);
	return true;
}

static bool watch(struct cluster *cluster, struct err *err UNUSED)
{
	kube_sight_begin(of(cluster));
	return true;
}

/* --- the actions --- */

static bool patch_deployment(struct kubernetes *kubernetes, const cJSON *patch,
	const char *type, struct err *err)
{
	SCOPED(mem_free)
	char *path = kubernetes_path(
		kubernetes, "apps", "deployments", kubernetes->deployment);
	SCOPED(json_free) cJSON *answer = NULL;

	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.method = "PATCH",
			    .path = path,
			    .json = patch,
			    .type = type,
			    .answer = &answer},
		    err))
		return false;
	note_action(kubernetes, answer);
	return true;
}

static bool update(struct cluster *cluster, struct err *err)
{
	SCOPED(json_free) cJSON *patch = kube_restart_patch();

	return patch_deployment(of(cluster), patch, KUBE_STRATEGIC_PATCH, err);
}

/* Not by /scale, whose answer does not say which generation this makes. */
static bool scale(struct cluster *cluster, unsigned replicas, struct err *err)
{
	SCOPED(json_free)
	cJSON *patch = json_fill(NULL, "{'spec': {'replicas': %u}}", replicas);

	return patch_deployment(of(cluster), patch, KUBE_MERGE_PATCH, err);
}

static bool drain(struct cluster *cluster, const char *node, struct err *err)
{
	return kube_nodes_drain(of(cluster), node, err);
}

static bool activate(struct cluster *cluster, const char *node, struct err *err)
{
	return kube_nodes_uncordon(of(cluster)->api, node, err);
}

static bool delete_named(struct kubernetes *kubernetes, const char *group,
	const char *plural, const char *name, struct err *err)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, group, plural, name);
	long status;

	return kube_api_call(kubernetes->api,
		       &(struct kube_call){
			       .method = "DELETE", .path = path, .status = &status},
		       err) ||
		status == 404;
}

/* A Service of somebody else stays. */
static bool remove_all(struct cluster *cluster, struct err *err)
{
	struct kubernetes *kubernetes = of(cluster);

	if (!delete_named(
		    kubernetes, "apps", "deployments", kubernetes->deployment, err))
		return false;
	kubernetes->removed = true;
	return !cluster->ours || !kubernetes->service ||
		delete_named(kubernetes, "", "services", kubernetes->service, err);
}

/* --- has it settled? --- */

static bool runs_on_lost_node(const struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];
		const struct cluster_node *node = task->wanted && task->node
			? cluster_node(cluster, task->node)
			: NULL;

		if (node && (!node->active || !node->ready))
			return true;
	}
	return false;
}

static bool has_settled(const struct cluster *cluster)
{
	const struct kubernetes *kubernetes = (const struct kubernetes *)cluster;
	struct task_counts counts = task_list_count(cluster);

	if (!kube_sight_is_whole(kubernetes) || counts.ending > 0)
		return false;
	if (kubernetes->removed)
		return counts.wanted == 0;
	return kubernetes->state.generation >= kubernetes->generation &&
		kube_deployment_is_done(&kubernetes->state) &&
		counts.wanted == (unsigned)kubernetes->state.replicas &&
		counts.ready == counts.wanted && !runs_on_lost_node(cluster);
}

/* --- the cluster --- */

static bool nodes(struct cluster *cluster, struct err *err)
{
	return kube_nodes_list(of(cluster), err);
}

static void fingerprint(struct cluster *cluster, cJSON *json)
{
	struct kubernetes *kubernetes = of(cluster);

	json_add_text(
		json, "version", json_text(kubernetes->api->version, "gitVersion"));
	json_add_text(json, "reached_by", kubernetes->api->access.words);
	json_add_text(json, "namespace", kubernetes->namespace);
	cJSON_AddBoolToObject(json, "nodes_known", !kubernetes->nodes_refused);
	json_add_text(json, "kubelet",
		kube_api_is_simulated(kubernetes->api) ? "simulated kubelet"
						       : "kubelet");
}

static int clean(struct cluster *cluster, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err)
{
	return kube_clean(of(cluster), is_over, said, arg, err);
}

static void destroy(struct cluster *cluster)
{
	struct kubernetes *kubernetes = of(cluster);

	cluster_ignore(cluster);
	kube_sight_end(kubernetes);
	kube_release_end(kubernetes);
	if (cluster->ours && kubernetes->removed && kubernetes->selector)
		kube_release_rest(kubernetes);
	kube_api_close(kubernetes->api);
	free(kubernetes->namespace);
	free(kubernetes->deployment);
	free(kubernetes->selector);
	free(kubernetes->service);
	cJSON_Delete(kubernetes->slice_list);
	cJSON_Delete(kubernetes->event_words);
	cluster_done(cluster);
	free(kubernetes);
}

static const struct cluster_ops ops = {
	.destroy = destroy,
	.fingerprint = fingerprint,
	.nodes = nodes,
	.deploy = deploy,
	.find = find,
	.watch = watch,
	.update = update,
	.scale = scale,
	.drain = drain,
	.activate = activate,
	.remove = remove_all,
	.has_settled = has_settled,
	.clean = clean,
};

struct cluster *kubernetes_open(
	uv_loop_t *loop, const struct cluster_options *options, struct err *err)
{
	struct kubernetes *kubernetes = mem_zeroed(sizeof *kubernetes);

	kubernetes->cluster.kind = "kubernetes";
	kubernetes->cluster.ops = &ops;
	kubernetes->cluster.loop = loop;
	kubernetes->cluster.options = *options;
	kubernetes->slice_list = cJSON_CreateObject();
	kubernetes->event_words = cJSON_CreateObject();
	kubernetes->api =
		kube_api_open(loop, options->address, options->interrupted, err);
	if (kubernetes->api) {
		kubernetes->namespace = mem_text(kubernetes->api->access.namespace);
		if (kube_nodes_list(kubernetes, err))
			return &kubernetes->cluster;
	}
	destroy(&kubernetes->cluster);
	return NULL;
}

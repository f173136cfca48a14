#include "harness/cluster/kubernetes/kube_clean.h"

#include <string.h>

#include "harness/cluster/kubernetes/kube_nodes.h"
#include "harness/cluster/kubernetes/kube_pod.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

struct clean {
	struct kubernetes *kubernetes;
	cluster_is_over_fn *is_over;
	cluster_said_fn *said;
	void *arg;
	int removed;
	char *home;
};

/* One sort of things that runs leave, in the order in which they go: what makes pods
 * before the pods. */
struct sort {
	const char *group, *plural, *label;
	const char *done; /* "removed deployment" */
	/* True with *nothing: there was nothing to do. */
	bool (*undo)(struct clean *clean, const struct sort *sort, const cJSON *thing,
		bool *nothing, struct err *err);
};

/* "/apis/apps/v1/deployments" of all namespaces, or of one; the caller's. */
static char *list_path(const struct sort *sort, const char *namespace)
{
	SCOPED(mem_free)
	char *group = sort->group[0] ? mem_textf("/apis/%s/v1", sort->group)
				     : mem_text("/api/v1");

	return namespace
		? mem_textf("%s/namespaces/%s/%s?labelSelector=%s", group, namespace,
			  sort->plural, sort->label)
		: mem_textf("%s/%s?labelSelector=%s", group, sort->plural, sort->label);
}

static char *path_of(const struct sort *sort, const cJSON *thing)
{
	const cJSON *meta = json_get(thing, "metadata");

	return mem_textf("%s%s/v1/namespaces/%s/%s/%s",
		sort->group[0] ? "/apis/" : "/api", sort->group,
		json_text(meta, "namespace"), sort->plural, json_text(meta, "name"));
}

static bool delete_thing(struct clean *clean, const struct sort *sort,
	const cJSON *thing, bool *nothing, struct err *err)
{
	SCOPED(mem_free) char *path = path_of(sort, thing);
	long status;

	if (kube_api_call(clean->kubernetes->api,
		    &(struct kube_call){.method = "DELETE",
			    .path = path,
			    .stubborn = true,
			    .status = &status},
		    err))
		return true;
	*nothing = status == 404;
	return *nothing;
}

static bool release_pod(struct clean *clean, const struct sort *sort,
	const cJSON *thing, bool *nothing, struct err *err)
{
	SCOPED(mem_free) char *path = path_of(sort, thing);
	SCOPED(json_free) cJSON *patch = NULL;
	struct kube_pod pod;
	long status;

	kube_pod_read(&pod, thing, 0);
	if (!pod.held) {
		*nothing = true;
		return true;
	}
	patch = kube_pod_release_patch(&pod);
	if (kube_api_call(clean->kubernetes->api,
		    &(struct kube_call){.method = "PATCH",
			    .path = path,
			    .json = patch,
			    .type = KUBE_JSON_PATCH,
			    .stubborn = true,
			    .status = &status},
		    err))
		return true;
	*nothing = status == 404;
	return *nothing;
}

static bool uncordon(struct clean *clean, const struct sort *sort UNUSED,
	const cJSON *thing, bool *nothing UNUSED, struct err *err)
{
	return kube_nodes_uncordon(clean->kubernetes->api,
		json_text(json_get(thing, "metadata"), "name"), err);
}

static const struct sort sorts[] = {
	{"apps", "deployments", RUN_LABEL, "removed deployment", delete_thing},
	{"", "services", RUN_LABEL, "removed service", delete_thing},
	{"", "pods", RUN_LABEL, "released pod", release_pod},
	{"", "nodes", KUBE_CORDON_LABEL, "uncordoned node", uncordon},
};

/* NULL: of a run that is not over, or of another machine, whose locks are not seen here. */
static const char *run_of(
	const struct clean *clean, const struct sort *sort, const cJSON *thing)
{
	const cJSON *meta = json_get(thing, "metadata");
	const char *run = json_text(json_get(meta, "labels"), sort->label);
	const char *home = json_text(json_get(meta, "annotations"), RUN_LABEL_HOME);

	return run && home && !strcmp(home, clean->home) && clean->is_over(run) ? run
										: NULL;
}

static bool clean_thing(struct clean *clean, const struct sort *sort,
	const cJSON *thing, struct err *err)
{
	const char *name = json_text(json_get(thing, "metadata"), "name");
	const char *run = run_of(clean, sort, thing);
	SCOPED(mem_free) char *line = NULL;
	bool nothing = false;

	if (!run)
		return true;
	if (!sort->undo(clean, sort, thing, &nothing, err))
		return err_while(err, "clean %s %s", sort->plural, name);
	if (nothing)
		return true;
	line = mem_textf("%s %s of run %s", sort->done, name, run);
	clean->removed++;
	clean->said(clean->arg, line);
	return true;
}

/* Where the whole cluster may not be listed the own namespace is; nodes are in none. What
 * may not be listed at all was not created by this user either. */
static cJSON *list(
	struct clean *clean, const struct sort *sort, bool *refused, struct err *err)
{
	const char *namespace = NULL;
	cJSON *answer = NULL;

	*refused = false;
	for (;;) {
		SCOPED(mem_free) char *path = list_path(sort, namespace);
		long status;

		if (kube_api_call(clean->kubernetes->api,
			    &(struct kube_call){.path = path,
				    .answer = &answer,
				    .stubborn = true,
				    .status = &status},
			    err))
			return answer;
		*refused = status == 403;
		if (!*refused || namespace || !strcmp(sort->plural, "nodes"))
			return NULL;
		namespace = clean->kubernetes->api->access.namespace;
	}
}

static bool clean_sort(struct clean *clean, const struct sort *sort, struct err *err)
{
	bool refused, ok = true;
	SCOPED(json_free) cJSON *answer = list(clean, sort, &refused, err);
	const cJSON *thing;

	if (!answer)
		return refused;
	cJSON_ArrayForEach(thing, json_get(answer, "items"))
		ok = clean_thing(clean, sort, thing, err) && ok;
	return ok;
}

int kube_clean(struct kubernetes *kubernetes, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err)
{
	SCOPED(mem_free) char *home = run_label_home();
	struct clean clean = {kubernetes, is_over, said, arg, 0, home};
	bool ok = true;

	for (size_t i = 0; i < COUNT(sorts); i++)
		ok = clean_sort(&clean, &sorts[i], err) && ok;
	return ok ? clean.removed : -1;
}

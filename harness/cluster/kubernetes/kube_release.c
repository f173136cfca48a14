#include "harness/cluster/kubernetes/kube_release.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define RELEASE_NS (10 * CLOCK_S)

struct release {
	struct kubernetes *kubernetes;
	struct release *prev, *next;
	char *pod;
	struct fetch_call *call;
};

static void release_free(struct release *release)
{
	DL_DELETE(release->kubernetes->releases, release);
	free(release->pod);
	free(release);
}

static void on_done(void *arg, const struct fetch_result *result UNUSED)
{
	release_free(arg);
}

static bool is_under_way(const struct kubernetes *kubernetes, const char *pod)
{
	const struct release *release;

	DL_FOREACH(kubernetes->releases, release)
		if (!strcmp(release->pod, pod))
			return true;
	return false;
}

void kube_release_begin(struct kubernetes *kubernetes, const struct kube_pod *pod)
{
	static const char *const type[] = {"Content-Type: " KUBE_JSON_PATCH, NULL};
	SCOPED(mem_free)
	char *path = kubernetes_path(kubernetes, "", "pods", pod->sight.name);
	SCOPED(json_free) cJSON *patch = kube_pod_release_patch(pod);
	SCOPED(mem_free) char *body = json_print(patch);
	struct release *release;
	struct err ignored;

	if (is_under_way(kubernetes, pod->sight.name))
		return;
	release = mem_zeroed(sizeof *release);
	release->kubernetes = kubernetes;
	release->pod = mem_text(pod->sight.name);
	DL_APPEND(kubernetes->releases, release);
	release->call = kube_api_begin(kubernetes->api,
		&(struct fetch_request){.method = "PATCH",
			.headers = type,
			.body = body,
			.body_len = strlen(body),
			.timeout_ns = RELEASE_NS,
			.done = on_done,
			.arg = release},
		path, &ignored);
	if (!release->call)
		release_free(release);
}

void kube_release_end(struct kubernetes *kubernetes)
{
	while (kubernetes->releases) {
		fetch_cancel(kubernetes->releases->call);
		release_free(kubernetes->releases);
	}
}

static bool patch_pod(struct kubernetes *kubernetes, const struct kube_pod *pod)
{
	SCOPED(mem_free)
	char *path = kubernetes_path(kubernetes, "", "pods", pod->sight.name);
	SCOPED(json_free) cJSON *patch = kube_pod_release_patch(pod);
	struct err ignored;

	return kube_api_call(kubernetes->api,
		&(struct kube_call){.method = "PATCH",
			.path = path,
			.json = patch,
			.type = KUBE_JSON_PATCH,
			.within_ns = RELEASE_NS,
			.stubborn = true},
		&ignored);
}

void kube_release_rest(struct kubernetes *kubernetes)
{
	SCOPED(mem_free) char *path = kubernetes_path(kubernetes, "", "pods", NULL);
	SCOPED(mem_free) char *escaped = kube_api_escape(kubernetes->selector);
	SCOPED(mem_free) char *query = mem_textf("%s?labelSelector=%s", path, escaped);
	SCOPED(json_free) cJSON *list = NULL;
	const cJSON *item;
	struct err ignored;

	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.path = query,
			    .answer = &list,
			    .within_ns = RELEASE_NS,
			    .stubborn = true},
		    &ignored))
		return;
	cJSON_ArrayForEach(item, json_get(list, "items")) {
		struct kube_pod pod;

		kube_pod_read(&pod, item, 0);
		/* An API that answers no more is not asked for each of them. */
		if (pod.held && pod.sight.name && !patch_pod(kubernetes, &pod))
			return;
	}
}

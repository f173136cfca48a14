#include "harness/cluster/kubernetes/kube_api.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster/cluster.h"
#include "harness/cluster/kubernetes/kube_proxy.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define CONNECTIONS 8
#define VERSION_NS  (10 * CLOCK_S)   /* a login may be part of it */
#define AGAIN_NS    (500 * CLOCK_MS) /* where no Retry-After says when */
#define WORDS_MAX   300              /* bytes of the server's words in an error */

const char kube_rules[] =
	"- {apiGroups: [\"\"], resources: [pods], verbs: [list, watch, patch]}\n"
	"- {apiGroups: [\"\"], resources: [pods/eviction], verbs: [create]}\n"
	"- {apiGroups: [\"\"], resources: [events], verbs: [list, watch]}\n"
	"- {apiGroups: [\"\"], resources: [nodes], verbs: [list, watch, patch]}\n"
	"- {apiGroups: [\"\"], resources: [services], verbs: [list, create, delete]}\n"
	"- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, "
	"patch, delete]}\n"
	"- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, "
	"watch]}\n";

/* --- what went wrong --- */

/* "patch" of a PATCH, "list" or "get" of a GET by the shape of its path: errors name a
 * verb of a Role. */
static const char *verb_of(const char *method, const char *path)
{
	size_t len = strcspn(path, "?");
	unsigned steps = 0;
	bool namespaced = strstr(path, "/namespaces/") != NULL;

	if (method && !strcmp(method, "POST"))
		return "create";
	if (method && !strcmp(method, "PATCH"))
		return "patch";
	if (method && !strcmp(method, "DELETE"))
		return "delete";
	for (size_t i = 0; i < len; i++)
		steps += path[i] == '/';
	steps -= !strncmp(path, "/apis/", strlen("/apis/")) ? 3 : 2;
	steps -= namespaced ? 2 : 0;
	return strstr(path, "watch=") ? "watch" : steps > 1 ? "get" : "list";
}

/* "pods", "deployments/scale" of a path; the caller's. */
static char *resource_of(const char *path)
{
	SCOPED(mem_free) char *copy = mem_textf("%.*s", (int)strcspn(path, "?"), path);
	char *steps[10] = {0}, *rest = NULL;
	unsigned count = 0, at = 0;

	for (char *step = strtok_r(copy, "/", &rest); step && count < COUNT(steps);
		step = strtok_r(NULL, "/", &rest))
		steps[count++] = step;
	at = count > 0 && !strcmp(steps[0], "apis") ? 3 : 2;
	if (at + 2 < count && !strcmp(steps[at], "namespaces"))
		at += 2;
	if (at >= count)
		return mem_text(path);
	return at + 2 < count ? mem_textf("%s/%s", steps[at], steps[at + 2])
			      : mem_text(steps[at]);
}

static void say_refused(const struct fetch_result *result, const char *words,
	const char *method, const char *path, struct err *err)
{
	SCOPED(mem_free) char *resource = resource_of(path);

	err_set(err,
		"%s %s is refused (HTTP %ld): %.*s\nIts role needs these rules:\n%s",
		verb_of(method, path), resource, result->status, 200, words,
		kube_rules);
}

/* {"kind": "Status", "message": "pods \"x\" not found"}; a proxy in between writes text. */
static void say_failure(const struct fetch_result *result, const char *method,
	const char *path, struct err *err)
{
	SCOPED(json_free) cJSON *json =
		json_parse(buf_text(result->body), result->body->len);
	const char *message = json_text(json, "message");
	const char *words = message ? message : buf_text(result->body);
	int len = (int)strcspn(words, "\n");

	if (result->status == 401 || result->status == 403)
		say_refused(result, words, method, path, err);
	else
		err_set(err, "%.*s (HTTP %ld)", len < WORDS_MAX ? len : WORDS_MAX,
			words, result->status);
}

bool kube_api_went_well(const struct kube_api *api, const struct fetch_result *result,
	const char *method, const char *path, struct err *err)
{
	const char *trouble =
		api->access.proxy ? kube_proxy_trouble(api->access.proxy) : NULL;

	if (result->end != FETCH_ANSWERED)
		return trouble ? err_set(err, "kubectl proxy: %s", trouble)
			       : err_set(err, "the API server by %s: %s",
					 api->access.words, result->why);
	if (result->status / 100 == 2)
		return true;
	say_failure(result, method, path, err);
	return false;
}

/* --- calls --- */

struct fetch_call *kube_api_begin(struct kube_api *api,
	const struct fetch_request *request, const char *path, struct err *err)
{
	SCOPED(mem_free) char *url = mem_textf("%s%s", api->access.base, path);
	SCOPED(mem_free) char *authorization = kube_access_authorization(&api->access);
	const char *headers[4] = {"Accept: application/json"};
	struct fetch_request whole = *request;
	unsigned count = 1;

	if (request->headers && request->headers[0])
		headers[count++] = request->headers[0];
	if (authorization)
		headers[count++] = authorization;
	whole.url = url;
	whole.socket = api->access.socket;
	whole.headers = headers;
	whole.tls = api->access.ca ? &api->tls : NULL;
	/* A reused connection may be dead, and a request is sent once. */
	whole.fresh = true;
	return fetch_start(api->fetch, &whole, err);
}

struct pending {
	struct kube_api *api;
	const struct kube_call *call;
	struct err *err;
	bool over, ok;
	long status;
	int64_t retry_after_ns;
};

static void on_done(void *arg, const struct fetch_result *result)
{
	struct pending *pending = arg;
	const struct kube_call *call = pending->call;

	pending->over = true;
	pending->status = result->status;
	pending->retry_after_ns = result->retry_after_ns;
	pending->ok = kube_api_went_well(
		pending->api, result, call->method, call->path, pending->err);
	if (pending->ok && call->answer)
		*call->answer = json_parse(buf_text(result->body), result->body->len);
}

static bool is_over(const void *arg)
{
	return ((const struct pending *)arg)->over;
}

static bool call_once(struct pending *pending, int64_t deadline_ns)
{
	const struct kube_call *call = pending->call;
	struct kube_api *api = pending->api;
	SCOPED(mem_free) char *body = call->json ? json_print(call->json) : NULL;
	SCOPED(mem_free) char *type = mem_textf(
		"Content-Type: %s", call->type ? call->type : "application/json");
	const char *const headers[] = {body ? type : NULL, NULL};
	struct fetch_call *begun;
	enum wait_end end;

	pending->over = pending->ok = false;
	begun = kube_api_begin(api,
		&(struct fetch_request){
			.method = call->method,
			.headers = headers,
			.body = body,
			.body_len = body ? strlen(body) : 0,
			.timeout_ns = deadline_ns - clock_now(),
			.done = on_done,
			.arg = pending,
		},
		call->path, pending->err);
	if (!begun)
		return false;
	end = wait_until(api->loop, is_over, pending, deadline_ns + CLOCK_S,
		call->stubborn ? NULL : api->interrupted);
	if (end == WAIT_SO)
		return pending->ok;
	fetch_cancel(begun);
	pending->status = 0;
	return err_set(pending->err,
		end == WAIT_INTERRUPTED ? "interrupted" : "no answer in time");
}

static bool never(const void *arg UNUSED)
{
	return false;
}

/* Waits until the server wants to be asked again. False: the bound comes first. */
static bool wait_for_turn(const struct pending *pending, int64_t deadline_ns)
{
	struct kube_api *api = pending->api;
	int64_t at_ns = clock_now() +
		(pending->retry_after_ns > 0 ? pending->retry_after_ns : AGAIN_NS);

	return !pending->call->once &&
		(pending->status == 429 || pending->status == 503) &&
		at_ns < deadline_ns &&
		wait_until(api->loop, never, NULL, at_ns,
			pending->call->stubborn ? NULL : api->interrupted) ==
		WAIT_DEADLINE;
}

bool kube_api_call(struct kube_api *api, const struct kube_call *call, struct err *err)
{
	int64_t deadline_ns =
		clock_now() + (call->within_ns ? call->within_ns : CLUSTER_CALL_NS);
	struct pending pending = {.api = api, .call = call, .err = err};
	bool ok;

	do
		ok = call_once(&pending, deadline_ns);
	while (!ok && wait_for_turn(&pending, deadline_ns));
	if (call->status)
		*call->status = pending.status;
	if (ok && call->answer && !*call->answer)
		return err_set(err, "the answer to %s is no JSON", call->path);
	return ok;
}

/* --- its beginning --- */

bool kube_api_is_simulated(const struct kube_api *api)
{
	const char *version = json_text(api->version, "gitVersion");

	return version && strstr(version, "+simulated");
}

struct kube_api *kube_api_open(
	uv_loop_t *loop, const char *address, const bool *interrupted, struct err *err)
{
	struct kube_api *api = mem_zeroed(sizeof *api);

	api->loop = loop;
	api->interrupted = interrupted;
	if (kube_access_open(&api->access, loop, address, interrupted, err)) {
		api->tls.ca = api->access.ca;
		api->fetch = fetch_create(loop, CONNECTIONS, err);
		if (api->fetch &&
			kube_api_call(api,
				&(struct kube_call){.path = "/version",
					.within_ns = VERSION_NS,
					.answer = &api->version},
				err))
			return api;
		if (api->fetch)
			err_while(err, "no Kubernetes API answers by %s",
				api->access.words);
	}
	kube_api_close(api);
	return NULL;
}

void kube_api_close(struct kube_api *api)
{
	if (!api)
		return;
	fetch_destroy(api->fetch);
	kube_access_close(&api->access);
	cJSON_Delete(api->version);
	free(api);
}

char *kube_api_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
	char *copy = mem_text(escaped ? escaped : "");

	curl_free(escaped);
	return copy;
}

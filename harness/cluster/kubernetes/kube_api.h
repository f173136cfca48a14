/*
 * kube_api - calls to a Kubernetes API server: HTTP and JSON.
 *
 * An answer of 429 or 503 is asked for again, as its Retry-After says, within the call's
 * bound. One of 401 or 403 becomes an error that says which verb on which resource was
 * refused, and the rules that the whole needs.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_API_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_API_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "harness/cluster/kubernetes/kube_access.h"
#include "lib/err.h"
#include "lib/fetch.h"

/* The rules of a Role (with the one of nodes: a ClusterRole), one a line. */
extern const char kube_rules[];

/* Read only outside kube_api.c. */
struct kube_api {
	uv_loop_t *loop;
	const bool *interrupted;
	struct kube_access access;
	struct fetch_tls tls;
	struct fetch *fetch;
	cJSON *version; /* the answer to /version */
};

/* Turns the loop. address: see kube_access_open(). */
struct kube_api *kube_api_open(uv_loop_t *loop, const char *address,
	const bool *interrupted, struct err *err) MUST_CHECK;
void kube_api_close(struct kube_api *api); /* accepts NULL */

/* Says of itself that its kubelet is simulated. */
bool kube_api_is_simulated(const struct kube_api *api);

/* Types of a patch. */
#define KUBE_JSON_PATCH  "application/json-patch+json"
#define KUBE_MERGE_PATCH "application/merge-patch+json"
/* Lists such as those of containers are merged by key: what kubectl sends. */
#define KUBE_STRATEGIC_PATCH "application/strategic-merge-patch+json"

/* One call that is waited for. All borrowed for the call. */
struct kube_call {
	const char *method; /* NULL: GET */
	const char *path;   /* "/api/v1/nodes" */
	const cJSON *json;  /* the body, or NULL */
	const char *type;   /* of the body; NULL: JSON */
	int64_t within_ns;  /* 0: CLUSTER_CALL_NS */
	bool stubborn;      /* goes on when interrupted: for cleaning up */
	bool once;          /* 429 and 503 are answers like others */
	cJSON **answer; /* gives the caller the body of a success; NULL: not needed */
	long *status;   /* written always, 0: no answer; NULL: not needed */
};

/* False with the server's own words when it did not answer with success. Turns the loop.
 */
bool kube_api_call(
	struct kube_api *api, const struct kube_call *call, struct err *err) MUST_CHECK;

/* A call that is not waited for. The callbacks are those of lib/fetch. */
struct fetch_call *kube_api_begin(struct kube_api *api,
	const struct fetch_request *request, const char *path,
	struct err *err) MUST_CHECK;

/* False with the server's words when a call to path failed. */
bool kube_api_went_well(const struct kube_api *api, const struct fetch_result *result,
	const char *method, const char *path, struct err *err);

/* Percent-encoded for a query; the caller's. */
char *kube_api_escape(const char *text) MUST_CHECK;

#endif

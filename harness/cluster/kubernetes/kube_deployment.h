/*
 * kube_deployment - a deployment: what it is created from, and how far it is.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_DEPLOYMENT_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_DEPLOYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/cluster/cluster.h"
#include "harness/engine/run_label.h"

/* Beside RUN_LABEL, with which all that a run creates is labelled: the service's name.
 * RUN_LABEL_HOME is an annotation, since no label may have such a value. */
#define KUBE_SERVICE_LABEL "stopbench.service"

/* A Deployment whose pods are held (KUBE_HOLD); the caller's. */
cJSON *kube_deployment_json(
	const struct cluster_spec *spec, const char *run_id) MUST_CHECK;
/* The Service in front of it: its endpointslices say which pods get traffic; the
 * caller's. */
cJSON *kube_service_json(
	const struct cluster_spec *spec, const char *run_id) MUST_CHECK;

/* The labelSelector of its pods for a query, not escaped, the caller's; NULL with err
 * where it selects none. */
char *kube_deployment_selector(const cJSON *deployment, struct err *err) MUST_CHECK;

struct kube_deployment {
	int64_t generation, observed; /* of the spec, and that its status is of */
	int64_t replicas;             /* that are wanted */
	int64_t total, updated, available, unavailable;
	bool stuck;      /* progressDeadlineSeconds have passed */
	char words[200]; /* why it is stuck */
};

void kube_deployment_read(struct kube_deployment *out, const cJSON *deployment);

/* As `kubectl rollout status` decides. */
bool kube_deployment_is_done(const struct kube_deployment *deployment);

/* The patch of `kubectl rollout restart`, the caller's. */
cJSON *kube_restart_patch(void) MUST_CHECK;

#endif

/*
 * kubernetes - what the parts of the Kubernetes cluster share. Private to this folder.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBERNETES_H
#define HARNESS_CLUSTER_KUBERNETES_KUBERNETES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/cluster/cluster.h"
#include "harness/cluster/kubernetes/kube_api.h"
#include "harness/cluster/kubernetes/kube_deployment.h"
#include "harness/cluster/kubernetes/kube_watch.h"

struct kubernetes {
	struct cluster cluster;
	struct kube_api *api;
	char *namespace;              /* of the service */
	char *deployment;             /* its name; NULL: neither deployed nor found */
	char *selector;               /* of its pods, not escaped */
	char *service;                /* the Service in front of it; NULL: none */
	unsigned port;                /* of the container; 0: none */
	unsigned node_port;           /* of PUBLISH_MESH; 0: none */
	struct kube_deployment state; /* as last seen */
	int64_t generation;           /* that the last action made */
	bool removed;                 /* the last action was its removal */
	bool nodes_refused; /* nodes may not be listed: a Role of a namespace alone */
	struct kube_watch *pods, *deployments, *slices, *events, *nodes; /* or NULL */
	struct release *releases; /* finalizers that are being taken off */
	cJSON *slice_list;        /* endpointslices by name */
	cJSON *event_words;       /* what events said of a pod, by its uid */
};

/* "/apis/apps/v1/namespaces/NAMESPACE/deployments" and so on, with "/NAME" unless that is
 * NULL; the caller's. */
char *kubernetes_path(const struct kubernetes *kubernetes, const char *group,
	const char *plural, const char *name) MUST_CHECK;

/* Something that a listener may want to know has changed. */
void kubernetes_changed(struct kubernetes *kubernetes);

#endif

/*
 * kube_nodes - nodes, cordons and evictions.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_NODES_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_NODES_H

#include "harness/cluster/kubernetes/kubernetes.h"

/* On a node that a run has cordoned: the run's id. RUN_LABEL_HOME is its annotation. */
#define KUBE_CORDON_LABEL "stopbench.cordoned"

/* Asks for them. One that may not be listed is no error: then none is known. */
bool kube_nodes_list(struct kubernetes *kubernetes, struct err *err) MUST_CHECK;

/* What a node says now, of one that is known. True: something changed. */
bool kube_nodes_note(struct kubernetes *kubernetes, const cJSON *node);

/* Cordons it, and evicts the pods of the service from it, as often as a disruption budget
 * says no, within CLUSTER_CALL_NS. Other pods stay. */
bool kube_nodes_drain(
	struct kubernetes *kubernetes, const char *node, struct err *err) MUST_CHECK;
bool kube_nodes_uncordon(
	struct kube_api *api, const char *node, struct err *err) MUST_CHECK;

#endif

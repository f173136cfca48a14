/*
 * kube_sight - what the watches see becomes tasks and nodes of the cluster: pods, the
 * deployment, nodes, events about pods, and the endpointslices that pods leave.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_SIGHT_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_SIGHT_H

#include "harness/cluster/kubernetes/kubernetes.h"

/* Begins to watch the service. */
void kube_sight_begin(struct kubernetes *kubernetes);
void kube_sight_end(struct kubernetes *kubernetes);

/* Pods and deployment were listed, and are seen now. */
bool kube_sight_is_whole(const struct kubernetes *kubernetes);

#endif

/*
 * kube_clean - removes what runs that are over have left: deployments, services,
 * finalizers on pods, cordons of nodes.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_CLEAN_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_CLEAN_H

#include "harness/cluster/kubernetes/kubernetes.h"

/* As cluster_clean(). In all namespaces, or where that is refused in the own one. */
int kube_clean(struct kubernetes *kubernetes, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err);

#endif

/*
 * kube_release - takes our finalizer off pods whose last status was read.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_RELEASE_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_RELEASE_H

#include "harness/cluster/kubernetes/kube_pod.h"
#include "harness/cluster/kubernetes/kubernetes.h"

/* Begins, unless it is under way for this pod. A refusal is no error: the pod's next
 * change brings it back, and a clean takes off what is left. */
void kube_release_begin(struct kubernetes *kubernetes, const struct kube_pod *pod);

/* Breaks off what is under way. */
void kube_release_end(struct kubernetes *kubernetes);

#endif

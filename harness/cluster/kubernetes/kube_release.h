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

/* Takes it off every pod that is left of a service of ours that was removed: nobody will
 * read their last status. Turns the loop; what fails is left to a clean. */
void kube_release_rest(struct kubernetes *kubernetes);

/* Breaks off what is under way. */
void kube_release_end(struct kubernetes *kubernetes);

#endif

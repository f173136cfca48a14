/*
 * kube_pod - what a pod says, as a task of a cluster.
 *
 * The container that counts is the first one, or the one that the annotation
 * kubectl.kubernetes.io/default-container names. The API writes whole seconds, cut off:
 * the time of an end is known to +- 1 s.
 */
#ifndef HARNESS_CLUSTER_KUBERNETES_KUBE_POD_H
#define HARNESS_CLUSTER_KUBERNETES_KUBE_POD_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/cluster/task_list.h"

/* Qualified, as API servers demand of a finalizer; the domain is ours by its meaning
 * alone, as "foregroundDeletion" is Kubernetes'. */
#define KUBE_HOLD "stopbench/hold"

#define KUBE_TIME_ERROR_NS (INT64_C(1) * 1000000000)

struct kube_pod {
	struct task_sight sight; /* borrows of the pod and of this */
	char address[80];        /* "10.244.1.7:8080" */
	char message[256];       /* "" : there is nothing to say */
	bool leaving;            /* it has a deletionTimestamp */
	bool held;               /* our finalizer is on it */
	int hold_index;          /* among its finalizers */
	/* Nothing more will be reported of its end: its container has ended, or never ran,
	 * or its kubelet is done with it. */
	bool is_final;
};

/* port: of the container, for the address; 0: none. Borrows pod, for as long as out is
 * used. */
void kube_pod_read(struct kube_pod *out, const cJSON *pod, unsigned port);

/* Takes our finalizer off, if it is still where it was: a JSON patch, the caller's. */
cJSON *kube_pod_release_patch(const struct kube_pod *pod) MUST_CHECK;

/* What an event about a pod adds to its story: "ExceededGracePeriod: ...", the caller's;
 * NULL: nothing. */
char *kube_pod_event_words(const cJSON *event) MUST_CHECK;

#endif

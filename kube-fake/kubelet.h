/*
 * kubelet - the simulated scheduler, kubelet and programs: pods are bound to nodes, start,
 * become ready, and stop as a kubelet stops them: preStop within the grace, SIGTERM with
 * what is left of it and never under 2 s, exit code 137 when that is over.
 *
 * The order and the floor are those of kuberuntime_container.go; no process runs.
 */
#ifndef KUBE_FAKE_KUBELET_H
#define KUBE_FAKE_KUBELET_H

#include "kube-fake/fake.h"

struct kubelet *kubelet_create(struct kube_fake *fake);
void kubelet_destroy(struct kubelet *kubelet); /* accepts NULL */

/* Adds so many nodes, "node-1" and on. */
void kubelet_add_nodes(struct kubelet *kubelet, unsigned count);

/* Each change of the store. */
void kubelet_notice(struct kubelet *kubelet, const struct change *change);

/* The behavior has changed: a node may be dead. */
void kubelet_look_at_nodes(struct kubelet *kubelet);

#endif

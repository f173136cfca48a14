/*
 * deployments - from deployments to replica sets and from those to pods.
 */
#ifndef KUBE_FAKE_DEPLOYMENTS_H
#define KUBE_FAKE_DEPLOYMENTS_H

#include "kube-fake/store.h"

/* One step towards what the deployments want; each change brings it back. False: a pod is
 * ready and not available yet (minReadySeconds), so that time alone changes something. */
bool deployments_reconcile(struct store *store);

#endif

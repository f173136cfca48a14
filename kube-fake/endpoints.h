/*
 * endpoints - an endpointslice for each service with a selector.
 */
#ifndef KUBE_FAKE_ENDPOINTS_H
#define KUBE_FAKE_ENDPOINTS_H

#include "kube-fake/store.h"

/* Makes each slice say what its pods are now. */
void endpoints_reconcile(struct store *store);

#endif

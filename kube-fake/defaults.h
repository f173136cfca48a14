/*
 * defaults - what the server writes into an object that is created: its defaults, a name
 * for generateName, a service's address and ports; and what it refuses.
 */
#ifndef KUBE_FAKE_DEFAULTS_H
#define KUBE_FAKE_DEFAULTS_H

#include "kube-fake/store.h"
#include "lib/err.h"

/* Changes json in place. False with the words of the server's 422. */
bool defaults_fill(const struct store *store, const struct resource *resource,
	cJSON *json, struct err *err) MUST_CHECK;

#endif

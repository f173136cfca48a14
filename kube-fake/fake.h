/*
 * fake - what the parts of the simulated cluster share.
 */
#ifndef KUBE_FAKE_FAKE_H
#define KUBE_FAKE_FAKE_H

#include <uv.h>

#include "kube-fake/behavior.h"
#include "kube-fake/store.h"
#include "lib/web.h"

/* gitVersion of /version says what this is. */
#define FAKE_VERSION "v1.32.4+simulated"
#define FAKE_MINOR   "32"

struct kube_fake {
	uv_loop_t *loop;
	struct kube_behavior behavior;
	struct store *store;
	struct watches *watches;
	struct controllers *controllers;
	struct kubelet *kubelet;
};

#endif

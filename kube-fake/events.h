/*
 * events - Events about pods, as the kubelet writes them.
 */
#ifndef KUBE_FAKE_EVENTS_H
#define KUBE_FAKE_EVENTS_H

#include "kube-fake/store.h"

/* `type` is "Normal" or "Warning", `reason` one such as "Killing". */
void events_add(struct store *store, const cJSON *pod, const char *type,
	const char *reason, const char *format, ...) PRINTF(5, 6);

#endif

/*
 * pod_status - the status of a pod as its kubelet writes it.
 */
#ifndef KUBE_FAKE_POD_STATUS_H
#define KUBE_FAKE_POD_STATUS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* Each changes a draft of the pod. */

/* Bound to a node: spec.nodeName, Pending, its containers are being created. */
void pod_status_bound(cJSON *pod, const char *node, const char *host_ip);
/* Its containers run. */
void pod_status_running(cJSON *pod, const char *pod_ip);
void pod_status_ready(cJSON *pod, bool ready);
/* Its containers have ended with this exit code. */
void pod_status_terminated(cJSON *pod, int64_t exit_code);

/* Is the condition Ready true? */
bool pod_status_is_ready(const cJSON *pod);

#endif

/*
 * pod_server - the simulated program of a pod, as far as it can be asked: HTTP at the
 * pod's own address, which is one of 127.0.0.0/8, and its first container's port.
 *
 * It answers 200. From SIGTERM on its readiness path, "/ready", answers 503 and everything
 * else goes on, as long as the variable DRAIN_DELAY of the pod says; then the port is
 * closed, and answers that are under way are given.
 */
#ifndef KUBE_FAKE_POD_SERVER_H
#define KUBE_FAKE_POD_SERVER_H

#include <stdint.h>

#include <cjson/cJSON.h>
#include <uv.h>

struct pod_server;

/* NULL: the pod has no port, or the address is taken, which is said on stderr. */
struct pod_server *pod_server_create(
	uv_loop_t *loop, const cJSON *pod, const char *address);

/* Gives how long it goes on serving. */
int64_t pod_server_term(struct pod_server *server);

/* Its connections end. Accepts NULL. */
void pod_server_destroy(struct pod_server *server);

#endif

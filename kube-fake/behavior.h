/*
 * behavior - what the simulated cluster does, and can do wrong.
 */
#ifndef KUBE_FAKE_BEHAVIOR_H
#define KUBE_FAKE_BEHAVIOR_H

#include <stdint.h>

#include "lib/fields.h"

struct kube_behavior {
	/* The kubelet, and the program in each container. */
	int64_t start_ns;    /* from its creation until a pod's containers run */
	int64_t ready_ns;    /* from there until it is ready */
	int64_t prestop_ns;  /* of a preStop hook that is no sleep */
	bool prestop_fails;  /* its event is written */
	int64_t stop_ns;     /* from SIGTERM to the end of the program */
	int64_t exit_code;   /* of the program, if it ends before SIGKILL */
	bool serves;         /* see pod_server.h */
	char *dead_node;     /* its kubelet does nothing any more; NULL: none */
	int64_t endpoint_ns; /* from a change of a pod to that of its endpointslice */
	/* The API. */
	int64_t bookmark_ns; /* between two bookmarks of a watch */
	int64_t watch_ns;    /* a watch ends after this time, whatever was asked for */
	int64_t throttled;   /* so many requests are answered with 429 */
	int64_t unavailable; /* and so many with 503 */
	char *forbidden;     /* "patch nodes": 403; NULL: nothing is */
	char *token;         /* without it 401; NULL: no token is needed */
	bool compacted;      /* the journal is forgotten: 410 for an earlier version */
};

extern const struct field kube_behavior_fields[];

#endif

/*
 * runtime_service - the calls of the Container Runtime Interface by their names: those
 * of the services RuntimeService and ImageService of one runtime.
 *
 * The runtime is at CONTAINER_RUNTIME_ENDPOINT (unix://, as crictl has it), else at
 * containerd's own socket.
 */
#ifndef HARNESS_ENGINE_CRI_RUNTIME_SERVICE_H
#define HARNESS_ENGINE_CRI_RUNTIME_SERVICE_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/cri/grpc_call.h"
#include "harness/engine/cri/message.h"
#include "lib/err.h"

/* Read only outside runtime_service.c. */
struct runtime_service {
	uv_loop_t *loop;
	const bool *interrupted;
	struct fetch *fetch;
	char *socket; /* "/run/containerd/containerd.sock" */
	Cri__VersionResponse *version;
};

/* Asks the runtime for its version; err says where it was looked for. Keeps loop and
 * interrupted. */
struct runtime_service *runtime_service_open(
	uv_loop_t *loop, const bool *interrupted, struct err *err) MUST_CHECK;
void runtime_service_close(struct runtime_service *service); /* accepts NULL */

enum cri_method {
	CRI_VERSION,
	CRI_STATUS,
	CRI_RUN_POD_SANDBOX,
	CRI_STOP_POD_SANDBOX,
	CRI_REMOVE_POD_SANDBOX,
	CRI_LIST_POD_SANDBOX,
	CRI_CREATE_CONTAINER,
	CRI_START_CONTAINER,
	CRI_STOP_CONTAINER,
	CRI_LIST_CONTAINERS,
	CRI_CONTAINER_STATUS,
	CRI_EXEC_SYNC,
	CRI_IMAGE_STATUS,
	CRI_METHODS,
};

/* One call that is waited for. */
struct cri_call {
	enum cri_method method;
	const void *request; /* the method's request message; borrowed */
	int64_t within_ns;   /* 0: CRI_CALL_NS */
	bool stubborn;       /* goes on when interrupted: for cleaning up */
	int *status;         /* written always: a gRPC status; NULL: not needed */
};

#define CRI_CALL_NS (INT64_C(30) * 1000000000)

/* Gives the method's answer message, the caller's to message_free(); NULL with the
 * runtime's own words. Turns the loop. */
void *runtime_service_call(struct runtime_service *service, const struct cri_call *call,
	struct err *err) MUST_CHECK;

/* A call that goes on when interrupted, and whose failure is left to engine_clean(). */
void runtime_service_try(
	struct runtime_service *service, enum cri_method method, const void *request);

/* A call that is not waited for, without a deadline. Its answer is packed. */
struct grpc_call *runtime_service_begin(struct runtime_service *service,
	enum cri_method method, const void *request, grpc_done_fn *done, void *arg,
	struct err *err) MUST_CHECK;

/* A little later, to ask again what no call waits for. False: interrupted, unless it is
 * stubborn. Turns the loop. */
bool runtime_service_pause(struct runtime_service *service, bool stubborn);

#endif

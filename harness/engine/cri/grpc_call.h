/*
 * grpc_call - one unary gRPC call over a unix socket.
 *
 * gRPC is HTTP/2: a POST of one length-prefixed message, the answer likewise, and the
 * status in the trailers (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). Each call has a
 * connection of its own.
 */
#ifndef HARNESS_ENGINE_CRI_GRPC_CALL_H
#define HARNESS_ENGINE_CRI_GRPC_CALL_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/fetch.h"

struct grpc_call;

/* The statuses that are told apart here, of those that gRPC defines. */
enum {
	GRPC_NONE = -1, /* no answer of a gRPC server came: see why */
	GRPC_OK = 0,
	GRPC_NOT_FOUND = 5,
	GRPC_UNIMPLEMENTED = 12,
};

struct grpc_result {
	int status;             /* GRPC_OK, another status, GRPC_NONE */
	const char *why;        /* of a failure, in the server's words; "" */
	const uint8_t *message; /* of a success: packed */
	size_t len;
	int64_t ended_ns;
};

/* From the loop, once for each call that is not canceled, which ends with it. `result`
 * is borrowed. */
typedef void grpc_done_fn(void *arg, const struct grpc_result *result);

struct grpc_request {
	const char *socket; /* borrowed */
	const char *method; /* "/runtime.v1.RuntimeService/Status"; borrowed */
	const ProtobufCMessage *message; /* borrowed */
	int64_t timeout_ns;              /* 0: none */
	grpc_done_fn *done;
	void *arg;
};

/* Keeps fetch. */
struct grpc_call *grpc_call_start(struct fetch *fetch,
	const struct grpc_request *request, struct err *err) MUST_CHECK;

/* Does not call `done`. The server sees that its client is gone. Accepts NULL. */
void grpc_call_cancel(struct grpc_call *call);

#endif

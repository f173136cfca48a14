#include "harness/engine/cri/grpc_call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define PREFIX_LEN 5 /* a flag (compressed), the length (big-endian) */
#define CEILING    ((size_t)32 << 20)

struct grpc_call {
	struct fetch_call *fetch;
	grpc_done_fn *done;
	void *arg;
};

static const char *const heads[] = {"grpc-status", "grpc-message", NULL};

/* --- the answer --- */

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* grpc-message is percent-encoded; what is no escape stays as it is. */
static void decode(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		int high = *at == '%' ? digit_of(at[1]) : -1;
		int low = high >= 0 ? digit_of(at[2]) : -1;

		*to++ = (char)(low >= 0 ? high << 4 | low : *at);
		at += low >= 0 ? 2 : 0;
	}
	*to = '\0';
}

/* One whole message that is not compressed, and nothing behind it. */
static bool take_message(const struct buf *body, struct grpc_result *result)
{
	const uint8_t *bytes = (const uint8_t *)body->data;

	if (body->len < PREFIX_LEN || bytes[0] != 0)
		return false;
	result->message = bytes + PREFIX_LEN;
	result->len = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 |
		(size_t)bytes[3] << 8 | (size_t)bytes[4];
	return result->len == body->len - PREFIX_LEN;
}

static void read_answer(const struct grpc_call *call, const struct fetch_result *answer,
	struct grpc_result *result, struct err *why)
{
	const char *status = fetch_header(call->fetch, "grpc-status");
	const char *message = fetch_header(call->fetch, "grpc-message");

	result->status = status ? (int)strtol(status, NULL, 10) : GRPC_NONE;
	if (answer->end != FETCH_ANSWERED) {
		result->status = GRPC_NONE;
		err_set(why, "%s", answer->why);
	} else if (!status) {
		err_set(why, "HTTP %ld without a gRPC status", answer->status);
	} else if (result->status != GRPC_OK) {
		SCOPED(mem_free) char *words = mem_text(message ? message : "failed");

		decode(words);
		err_set(why, "%s (gRPC status %d)", words, result->status);
	} else if (!take_message(answer->body, result)) {
		result->status = GRPC_NONE;
		err_set(why, "the gRPC answer is not one whole message");
	}
}

static void on_done(void *arg, const struct fetch_result *answer)
{
	struct grpc_call *call = arg;
	struct err why = {0};
	struct grpc_result result = {.why = why.text, .ended_ns = answer->ended_ns};
	grpc_done_fn *done = call->done;
	void *done_arg = call->arg;

	read_answer(call, answer, &result, &why);
	free(call);
	done(done_arg, &result);
}

/* --- the request --- */

static uint8_t *frame(const ProtobufCMessage *message, size_t *len)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = mem_zeroed(PREFIX_LEN + size);

	assert(size <= UINT32_MAX);
	for (unsigned i = 0; i < 4; i++)
		bytes[1 + i] = (uint8_t)(size >> (24 - 8 * i));
	protobuf_c_message_pack(message, bytes + PREFIX_LEN);
	*len = PREFIX_LEN + size;
	return bytes;
}

struct grpc_call *grpc_call_start(
	struct fetch *fetch, const struct grpc_request *request, struct err *err)
{
	static const char *const headers[] = {
		"Content-Type: application/grpc", "TE: trailers", NULL};
	struct grpc_call *call = mem_zeroed(sizeof *call);
	SCOPED(mem_free) char *url = mem_textf("http://localhost%s", request->method);
	size_t len;
	SCOPED(mem_free) uint8_t *body = frame(request->message, &len);

	call->done = request->done;
	call->arg = request->arg;
	call->fetch = fetch_start(fetch,
		&(struct fetch_request){
			.method = "POST",
			.url = url,
			.socket = request->socket,
			.headers = headers,
			.body = (const char *)body,
			.body_len = len,
			.timeout_ns = request->timeout_ns,
			.body_ceiling = CEILING,
			.done = on_done,
			.arg = call,
			.fresh = true,
			.http2 = true,
			.heads = heads,
		},
		err);
	if (call->fetch)
		return call;
	free(call);
	return NULL;
}

void grpc_call_cancel(struct grpc_call *call)
{
	if (!call)
		return;
	fetch_cancel(call->fetch);
	free(call);
}

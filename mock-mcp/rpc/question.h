/*
 * question - a request of the server to its client, about a call in progress.
 *
 * The call's timer bounds how long the answer may take.
 */
#ifndef MOCK_MCP_RPC_QUESTION_H
#define MOCK_MCP_RPC_QUESTION_H

#include "mock-mcp/rpc/call.h"

struct question {
	struct question *prev, *next;
	struct call *call;
	int64_t id;
	call_reply_fn *reply;
};

/* Sends it. Takes params. */
void question_ask(
	struct call *call, const char *method, cJSON *params, call_reply_fn *reply);

/* Its answer, a JSON-RPC response: hands that to the call. */
void question_settle(struct question *question, const cJSON *response);

/* Forgets all those of a call. */
void questions_forget(const struct call *call);

#endif

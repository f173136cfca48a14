/*
 * conversation - what a Messages request says so far, and what is left to do.
 */
#ifndef MOCK_AGENT_MESSAGES_CONVERSATION_H
#define MOCK_AGENT_MESSAGES_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/session/reply.h"

struct conversation {
	char *said;         /* owned: the last question */
	struct reply reply; /* to it, with the tools' results */
	cJSON *custom;      /* owned: tools that the client runs */
	const cJSON *tool;  /* of them the one to ask now; NULL: speak. Borrowed */
};

/* Reads a request's body, which outlives it. `tools` as in behavior. */
void conversation_read(
	struct conversation *conversation, const cJSON *body, int64_t tools);
void conversation_done(struct conversation *conversation);

#endif

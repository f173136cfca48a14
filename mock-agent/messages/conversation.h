/*
 * conversation - the conversation in a Messages request, and the next step of its
 * reply.
 */
#ifndef MOCK_AGENT_MESSAGES_CONVERSATION_H
#define MOCK_AGENT_MESSAGES_CONVERSATION_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/session/reply.h"

struct conversation {
	char *prompt;       /* owned: the user's last message */
	struct reply reply; /* to the prompt, with the tool results */
	cJSON *custom;      /* owned: the tools that the client runs */
	const cJSON *tool;  /* the tool to call now, of custom; NULL: reply */
};

/* Reads a request's body, which must outlive it. `tools` is the behavior's. */
void conversation_read(
	struct conversation *conversation, const cJSON *body, int64_t tools);
void conversation_done(struct conversation *conversation);

#endif

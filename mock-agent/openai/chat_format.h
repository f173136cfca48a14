/*
 * chat_format - the wire format of POST /v1/chat/completions.
 *
 * A stream is chunks without event names, ended by "data: [DONE]".
 */
#ifndef MOCK_AGENT_OPENAI_CHAT_FORMAT_H
#define MOCK_AGENT_OPENAI_CHAT_FORMAT_H

#include "mock-agent/answer/answer_format.h"

extern const struct answer_format chat_format;

#endif

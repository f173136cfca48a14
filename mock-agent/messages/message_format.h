/*
 * message_format - Anthropic's Messages as a wire format of answer.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGE_FORMAT_H
#define MOCK_AGENT_MESSAGES_MESSAGE_FORMAT_H

#include "mock-agent/answer/answer_format.h"

extern const struct answer_format message_format;

#endif

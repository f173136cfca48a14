/*
 * message_check - what is wrong with a Messages request, in the words of the hosted API.
 *
 * Members and tools that it does not know are not wrong: a newer client may send them.
 */
#ifndef MOCK_AGENT_MESSAGES_MESSAGE_CHECK_H
#define MOCK_AGENT_MESSAGES_MESSAGE_CHECK_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "lib/err.h"

/* `answered`: not count_tokens, which needs less. */
bool message_check(const cJSON *body, bool answered, struct err *err) MUST_CHECK;

#endif

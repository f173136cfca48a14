/*
 * response_background - responses whose clients do not wait for them ("background": true).
 *
 * The request is answered at once, and the stored response says how far it is:
 * "queued" in that answer, then "in_progress", then "completed" (or "incomplete"),
 * "failed" or "cancelled". It is in progress for as long as the first_byte phase takes.
 * That phase's error fails it; after a hang or blackhole only a cancel ends it. Faults
 * of a connection have nothing to act on.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_BACKGROUND_H
#define MOCK_AGENT_OPENAI_RESPONSE_BACKGROUND_H

#include <stdbool.h>

#include "mock-agent/answer/answer_format.h"

struct mock;
struct response_background;

/* As answer_format.detach. */
bool response_background_take(
	struct api_request *request, const struct answer_detached *detached);

/* Ends the response in progress that has this id. False: there is none. */
bool response_background_cancel(struct mock *mock, const char *id);

/* Forgets all that are in progress; the store is unchanged. */
void response_background_clear(struct mock *mock);

#endif

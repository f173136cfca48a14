/*
 * strike - a fault, acted out on what the client of a request hears.
 */
#ifndef MOCK_AGENT_STRIKE_H
#define MOCK_AGENT_STRIKE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "mock-agent/request.h"

/* Acts out (and logs) request->act.fault, which is not FAULT_NONE, in the place of an
 * answer. Nothing else may be answered then. */
void strike_answer(struct request *request);

/* Sends frame over request's stream, which is open, or acts out act.fault in its place.
 * False: nothing may follow. */
bool strike_frame(
	struct request *request, const struct act *act, const struct buf *frame);

#endif

/*
 * strike - a fault, acted out on what the client of a request hears.
 */
#ifndef MOCK_AGENT_STRIKE_H
#define MOCK_AGENT_STRIKE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "mock-agent/request.h"

/* Acts out (and logs) request->act.fault, if there is one, in the place of an answer.
 * True: nothing else may be answered then. So it is when its session has gone dark
 * meanwhile. */
bool strike_answer(struct request *request);

/* Sends frame over request's stream, which is open, or acts out act.fault in its place.
 * False: nothing may follow. */
bool strike_frame(
	struct request *request, const struct act *act, const struct buf *frame);

#endif

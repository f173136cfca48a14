/*
 * fault - a fault, acted out on what the client of a request hears.
 */
#ifndef MOCK_AGENT_FAULTS_FAULT_H
#define MOCK_AGENT_FAULTS_FAULT_H

#include <stdbool.h>

#include "lib/buf.h"
#include "mock-agent/api/api_request.h"

/* Acts out (and logs) request->act.fault, if there is one, in the place of an answer.
 * True: nothing else may be answered then. So it is when its session has gone dark
 * meanwhile. */
bool fault_apply(struct api_request *request);

/* Sends frame over request's stream, which is open, or acts out act.fault in its place.
 * False: nothing may follow. */
bool fault_apply_frame(struct api_request *request, const struct injection *injection,
	const struct buf *frame);

#endif

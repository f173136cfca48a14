/*
 * answer - the agent's answer to one request of a client that keeps its conversation
 * itself: whole, or as a stream of deltas.
 *
 * The messages phase comes before the answer, then first_byte: in a stream before the
 * first delta. Before each further delta comes chunk. The request's session
 * (session/client_session.h) has the schedule; sessions of connections share session 0,
 * and also its blackhole.
 */
#ifndef MOCK_AGENT_ANSWER_ANSWER_H
#define MOCK_AGENT_ANSWER_ANSWER_H

#include "mock-agent/answer/answer_format.h"
#include "mock-agent/api/api_request.h"

/* Answers or refuses request. Keeps format. */
void answer_request(struct api_request *request, const struct answer_format *format);

#endif

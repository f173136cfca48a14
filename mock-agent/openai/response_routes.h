/*
 * response_routes - the routes of the Responses API: of what is stored, too.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_ROUTES_H
#define MOCK_AGENT_OPENAI_RESPONSE_ROUTES_H

#include "mock-agent/api/api_request.h"

void response_create_route(struct api_request *request); /* POST /v1/responses */
void response_count_route(struct api_request *request);  /* POST .../input_tokens */
void response_get_route(struct api_request *request);    /* GET .../:id */
void response_delete_route(struct api_request *request); /* DELETE .../:id */
void response_cancel_route(struct api_request *request); /* POST .../:id/cancel */
void response_input_route(struct api_request *request);  /* GET .../:id/input_items */

#endif

/*
 * openai_routes - the routes of OpenAI's API, besides those of stored responses
 * (response_routes.h).
 */
#ifndef MOCK_AGENT_OPENAI_OPENAI_ROUTES_H
#define MOCK_AGENT_OPENAI_OPENAI_ROUTES_H

#include "mock-agent/api/api_request.h"

void openai_chat_route(struct api_request *request);   /* POST /v1/chat/completions */
void openai_models_route(struct api_request *request); /* GET /v1/models */
void openai_model_route(struct api_request *request);  /* GET /v1/models/:id */

#endif

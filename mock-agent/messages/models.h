/*
 * models - the models that the mock says it has. A request may name any other.
 */
#ifndef MOCK_AGENT_MESSAGES_MODELS_H
#define MOCK_AGENT_MESSAGES_MODELS_H

#include "mock-agent/api/api_request.h"

void models_list_route(struct api_request *request); /* GET /v1/models */
void models_get_route(struct api_request *request);  /* GET /v1/models/:id */

#endif

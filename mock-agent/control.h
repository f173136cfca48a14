/*
 * control - the way to change the mock's behaviour while it runs.
 *
 *   GET  /control/behavior    what holds now
 *   PUT  /control/behavior    says something over it; the faults of the phases
 *                            that it names are counted anew
 *   GET  /control/sessions   label, id, status, open streams of each; deleted ones
 *                            too, while they have streams
 *   POST /control/listen     {"accept": false}: connections are refused from now on
 *   POST /control/reset      {"seed": 7}: as at its start, with this seed
 *
 * A mock that refuses connections hears "accept": true only at its control port.
 */
#ifndef MOCK_AGENT_CONTROL_H
#define MOCK_AGENT_CONTROL_H

#include "mock-agent/api/api_request.h"

void control_health_route(struct api_request *request); /* GET /health */
void control_behavior_route(struct api_request *request);
void control_change_route(struct api_request *request); /* reads the raw body */
void control_sessions_route(struct api_request *request);
void control_listen_route(struct api_request *request);
void control_reset_route(struct api_request *request);

#endif

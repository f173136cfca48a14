/*
 * control - the routes that show and change the mock while it runs.
 *
 *   GET  /control/behavior   the behavior as set and merged; other keys have defaults
 *   PUT  /control/behavior   merges the body over it; the fault counts of the phases
 *                            that the body names start again from 0
 *   GET  /control/sessions   label, id, status and open streams of each session, also
 *                            of deleted ones with streams
 *   POST /control/listen     {"accept": false}: refuses connections from now on
 *   POST /control/reset      {"seed": 7}: as at the start, with this seed; streams are
 *                            reset, agents and environments stay (clients keep the ids)
 *
 * Every change is an "agent.behavior.changed" event. A mock that refuses connections is
 * still reachable at its control port.
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

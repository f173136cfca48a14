/*
 * talk - the routes of a session's life: opened, read, spoken to, listed.
 *
 * (How it is listened to is in stream.h, how it ends in ending.h.)
 */
#ifndef MOCK_AGENT_TALK_H
#define MOCK_AGENT_TALK_H

#include "mock-agent/request.h"

void talk_create_route(struct request *request); /* POST /v1/sessions */
void talk_list_route(struct request *request);   /* GET /v1/sessions */

/* From here on request->session is the one of the path. */
void talk_get_route(struct request *request);     /* GET /v1/sessions/:id */
void talk_update_route(struct request *request);  /* POST /v1/sessions/:id */
void talk_say_route(struct request *request);     /* POST .../events */
void talk_events_route(struct request *request);  /* GET .../events */
void talk_threads_route(struct request *request); /* GET .../threads */
void talk_thread_route(struct request *request);  /* GET .../threads/:id */

#endif

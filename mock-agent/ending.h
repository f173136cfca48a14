/*
 * ending - the routes that end a session: archive and delete.
 *
 * Both are refused while the stored status is "running". What the manners let happen
 * here is what a shutdown has to live with; each step is an event of docs/events.md.
 */
#ifndef MOCK_AGENT_ENDING_H
#define MOCK_AGENT_ENDING_H

#include "mock-agent/request.h"

/* request->session is the one of the path. */
void ending_archive_route(struct request *request); /* POST /v1/sessions/:id/archive */
void ending_delete_route(struct request *request);  /* DELETE /v1/sessions/:id */

#endif

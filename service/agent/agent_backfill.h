/*
 * agent_backfill - the events of a session that its stream did not deliver, read from
 * the API's list of events.
 */
#ifndef SERVICE_AGENT_AGENT_BACKFILL_H
#define SERVICE_AGENT_AGENT_BACKFILL_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_backfill;

/* From the loop. */
struct agent_backfill_events {
	/* Was the event with this id handled already? */
	bool (*known)(void *arg, const char *id);
	/* The event with this id is older than the missing ones. */
	void (*older)(void *arg, const char *id);
	/* The end: the missing events, oldest first; taken. NULL: the request failed
	 * (see response), or the list ends before a known event. */
	void (*done)(void *arg, cJSON *events, const struct agent_response *response);
};

/* The list is read from its newest event back to the first known one, or to the event
 * first_id, which is itself missing. first_id NULL: no such event. Keeps http,
 * session_id and events; copies first_id. */
struct agent_backfill *agent_backfill_start(struct agent_http *http,
	const char *session_id, const char *first_id,
	const struct agent_backfill_events *events, void *arg) MUST_CHECK;
void agent_backfill_cancel(struct agent_backfill *backfill); /* accepts NULL */

#endif

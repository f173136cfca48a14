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

/* Was the event with this id handled already? */
typedef bool agent_backfill_known_fn(void *arg, const char *id);
/* The event with this id is older than the missing ones. */
typedef void agent_backfill_older_fn(void *arg, const char *id);

/* events: the missing ones, oldest first; the callback takes them. NULL: the request
 * failed (see response), or the list ends before a known event. Once, from the loop. */
typedef void agent_backfill_fn(
	void *arg, cJSON *events, const struct agent_http_response *response);

/* The list is read from its newest event back to the first known one, or to
 * the event first_id, which is itself missing. first_id NULL: no such event. */
struct agent_backfill_query {
	const char *session_id;
	const char *first_id;
	agent_backfill_known_fn *known;
	agent_backfill_older_fn *older;
	agent_backfill_fn *done;
	void *arg;
};

/* Keeps http; copies query. */
struct agent_backfill *agent_backfill_start(
	struct agent_http *http, const struct agent_backfill_query *query) MUST_CHECK;
void agent_backfill_cancel(struct agent_backfill *backfill); /* accepts NULL */

#endif

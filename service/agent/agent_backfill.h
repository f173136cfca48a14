/*
 * agent_backfill - the newest events of a session, back to one that is known, from the
 * API's list of them.
 */
#ifndef SERVICE_AGENT_AGENT_BACKFILL_H
#define SERVICE_AGENT_AGENT_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_backfill;

typedef bool agent_backfill_known_fn(void *arg, const char *id);
/* This one came before the first that counts as missed. */
typedef void agent_backfill_older_fn(void *arg, const char *id);

/* events are the missed ones, oldest first, and the callback's to keep. NULL: none
 * that is known is in the list, or `why` says what failed. Once, from the loop. */
typedef void agent_backfill_fn(
	void *arg, cJSON *events, const struct agent_http_response *answer);

/* The list at `path` is walked from its newest event to the first that is known, or
 * to the one called first_id (unless NULL), which counts as missed. */
struct agent_backfill_query {
	const char *path;
	const char *first_id;
	int64_t request_ns; /* deadline of each page */
	agent_backfill_known_fn *known;
	agent_backfill_older_fn *older;
	agent_backfill_fn *done;
	void *arg;
};

/* Keeps wire; copies the query. */
struct agent_backfill *agent_backfill_ask(
	struct agent_http *wire, const struct agent_backfill_query *query) MUST_CHECK;
void agent_backfill_cancel(struct agent_backfill *missed); /* accepts NULL */

#endif

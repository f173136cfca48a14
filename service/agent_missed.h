/*
 * agent_missed - the newest events of a session, back to one that is known, from the
 * API's list of them.
 */
#ifndef SERVICE_AGENT_MISSED_H
#define SERVICE_AGENT_MISSED_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/agent_wire.h"

struct agent_missed;

typedef bool agent_missed_known_fn(void *arg, const char *id);
/* This one came before the first that counts as missed. */
typedef void agent_missed_older_fn(void *arg, const char *id);

/* events are the missed ones, oldest first, and the callback's to keep. NULL: none
 * that is known is in the list, or `why` says what failed. Once, from the loop. */
typedef void agent_missed_fn(
	void *arg, cJSON *events, const struct agent_answer *answer);

/* The list at `path` is walked from its newest event to the first that is known, or
 * to the one called first_id (unless NULL), which counts as missed. */
struct agent_missed_query {
	const char *path;
	const char *first_id;
	int64_t request_ns; /* deadline of each page */
	agent_missed_known_fn *known;
	agent_missed_older_fn *older;
	agent_missed_fn *done;
	void *arg;
};

/* Keeps wire; copies the query. */
struct agent_missed *agent_missed_ask(
	struct agent_wire *wire, const struct agent_missed_query *query) MUST_CHECK;
void agent_missed_cancel(struct agent_missed *missed); /* accepts NULL */

#endif

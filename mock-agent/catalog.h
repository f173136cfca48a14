/*
 * catalog - agents and environments: what clients define once and sessions refer to.
 *
 * An agent has versions, and a session keeps the one that it was created with.
 */
#ifndef MOCK_AGENT_CATALOG_H
#define MOCK_AGENT_CATALOG_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "mock-agent/request.h"

#define CATALOG_MAX  10000
#define VERSIONS_MAX 100

struct catalog;

enum catalog_kind {
	CATALOG_AGENTS,
	CATALOG_ENVIRONMENTS,
};

struct catalog *catalog_create(enum catalog_kind kind);
void catalog_destroy(struct catalog *catalog); /* accepts NULL */

/* That version of it, 0 for the newest; NULL when there is none. Borrowed. */
const cJSON *catalog_find(
	const struct catalog *catalog, const char *id, int64_t version);

/* An agent's definition as a session shows it, out of the catalog's. The caller's. */
cJSON *catalog_agent_of_session(const cJSON *agent) MUST_CHECK;

/* "claude-x" or {"id": "claude-x"} to {"id": "claude-x", "speed": "standard"}: the
 * caller's; NULL when it is neither. */
cJSON *catalog_model(const cJSON *model) MUST_CHECK;

/* NULL, or why an agent's member cannot have this value; without one, or with null, it
 * has its preset. */
const char *catalog_agent_wrong(const char *name, const cJSON *value);

/* About request->catalog. */
void catalog_create_route(struct request *request);   /* POST /v1/agents */
void catalog_list_route(struct request *request);     /* GET /v1/agents */
void catalog_get_route(struct request *request);      /* GET /v1/agents/:id */
void catalog_update_route(struct request *request);   /* POST /v1/agents/:id */
void catalog_versions_route(struct request *request); /* GET /v1/agents/:id/versions */
void catalog_archive_route(struct request *request);  /* POST /v1/agents/:id/archive */
void catalog_delete_route(struct request *request);   /* DELETE of an environment */

#endif

/*
 * resources - agents and environments: what clients define once and sessions refer to.
 *
 * An agent has versions, and a session keeps the one that it was created with.
 */
#ifndef MOCK_AGENT_API_RESOURCES_H
#define MOCK_AGENT_API_RESOURCES_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "mock-agent/api/api_request.h"

#define RESOURCES_MAX 10000
#define VERSIONS_MAX  100

struct resources;

enum resources_kind {
	RESOURCES_AGENTS,
	RESOURCES_ENVIRONMENTS,
};

struct resources *resources_create(enum resources_kind kind);
void resources_destroy(struct resources *resources); /* accepts NULL */

/* That version of it, 0 for the newest; NULL when there is none. Borrowed. */
const cJSON *resources_find(
	const struct resources *resources, const char *id, int64_t version);

/* An agent's definition as a session shows it, out of the catalog's. The caller's. */
cJSON *resources_agent_of_session(const cJSON *agent) MUST_CHECK;

/* "claude-x" or {"id": "claude-x"} to {"id": "claude-x", "speed": "standard"}: the
 * caller's; NULL when it is neither. */
cJSON *resources_model(const cJSON *model) MUST_CHECK;

/* NULL, or why an agent's member cannot have this value; without one, or with null, it
 * has its preset. */
const char *resources_agent_wrong(const char *name, const cJSON *value);

/* About request->catalog. */
void resources_create_route(struct api_request *request); /* POST /v1/agents */
void resources_list_route(struct api_request *request);   /* GET /v1/agents */
void resources_get_route(struct api_request *request);    /* GET /v1/agents/:id */
void resources_update_route(struct api_request *request); /* POST /v1/agents/:id */
void resources_versions_route(
	struct api_request *request); /* GET /v1/agents/:id/versions */
void resources_archive_route(
	struct api_request *request); /* POST /v1/agents/:id/archive */
void resources_delete_route(struct api_request *request); /* DELETE of an environment */

#endif

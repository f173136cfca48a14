/*
 * resources - agents and environments, which clients define once and sessions refer to.
 *
 * An agent has versions; a session keeps the version that it was created with.
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

/* That version; 0: the newest. NULL: there is none. Borrowed. */
const cJSON *resources_find(
	const struct resources *resources, const char *id, int64_t version);

/* An agent as a session shows it: the caller's. */
cJSON *resources_agent_of_session(const cJSON *agent) MUST_CHECK;

/* {"id": "claude-x", "speed": "standard"} of "claude-x" or {"id": "claude-x"}: the
 * caller's. NULL: it is neither. */
cJSON *resources_model(const cJSON *model) MUST_CHECK;

/* Adds the defaults of an agent's tools and skills, where it has some. Accepts NULL. */
void resources_complete_agent(cJSON *agent);

/* NULL, or why an agent's member cannot have this value. NULL and null stand for the
 * default. */
const char *resources_agent_wrong(const char *name, const cJSON *value);

/* These need request->resources. */
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

/*
 * agent_client - the client of an agent API: Anthropic's Managed Agents.
 *
 * One client is one API, its connection pools, and the agent and environment that all
 * its sessions use. See agent_session.h for a session.
 *
 * Agent and environment are given by id, or created for the first session and kept in
 * the store for the next start. A created one is updated, which also checks that it
 * exists: before the first session after a start, after the tools changed (existing
 * sessions keep theirs), and when the API refused a session. One that is gone is
 * created anew. A failure is reported to all waiters; the next one tries again.
 */
#ifndef SERVICE_AGENT_AGENT_CLIENT_H
#define SERVICE_AGENT_AGENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/agent/agent_http.h"

struct store;

/* The agent or the environment. */
struct agent_resource {
	struct agent_client *client;
	const char *collection;
	char *id;                     /* NULL: not created yet, or gone */
	bool given;                   /* by id: never changed here */
	bool current;                 /* the API has what was last sent, or will */
	struct agent_http_call *call; /* creates or updates it; NULL: none */
};

/* The sessions read http. */
struct agent_client {
	struct agent_http *http;
	char *name, *model;
	struct store *store;
	cJSON *tools;
	struct agent_resource agent, environment;
	struct agent_waiter *waiting; /* in order of arrival */
	unsigned round; /* counts the times that all waiters were called */
};

struct agent_client_options {
	const char *url;      /* base URL, "https://api.anthropic.com" */
	const char *key;      /* secret, never logged; NULL: no authorization header */
	unsigned connections; /* most warm ones of requests, and of streams */
	bool http2;           /* speak HTTP/2 */
	int64_t request_ns;   /* deadline of each short request */
	bool unpaced;         /* see agent_http_do_not_pace() */
	const char *model;
	const char *agent_id;       /* NULL: created when first needed */
	const char *environment_id; /* NULL: created when first needed */
	const char *name;           /* of a created agent or environment */
	struct store *store;        /* keeps created ids; NULL: not kept */
};

/* Keeps loop and the store; copies the other options. */
struct agent_client *agent_client_create(uv_loop_t *loop,
	const struct agent_client_options *options, struct err *err) MUST_CHECK;
/* All sessions must have been destroyed. Accepts NULL. */
void agent_client_destroy(struct agent_client *client);

/* The custom tools that a created agent declares: [{"name", "description",
 * "input_schema"}, ...]. Applies to sessions created from now on. Copies. */
void agent_client_set_tools(struct agent_client *client, const cJSON *tools);

/* Waits for agent and environment. Embedded in its owner. */
struct agent_waiter {
	/* From the loop, once; why is NULL when both exist. */
	void (*done)(void *arg, const char *why);
	void *arg;
	unsigned round;
	struct agent_waiter *next;
};

/* True: both exist and are current; `done` is not called. False: `done` will be. */
bool agent_client_provision(
	struct agent_client *client, struct agent_waiter *waiter) MUST_CHECK;
/* Stops waiting. Accepts a waiter that does not wait. */
void agent_client_leave(struct agent_client *client, struct agent_waiter *waiter);

/* Does the HTTP status mean that one of them is gone? 404: unknown; 400: archived. */
bool agent_client_is_gone(long status);
/* The API refused one of them: check the created ones before the next session. False:
 * both were given by id, so another try cannot help. */
bool agent_client_recheck(struct agent_client *client) MUST_CHECK;

#endif

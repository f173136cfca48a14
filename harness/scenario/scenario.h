/*
 * scenario - what one case starts, stops and expects.
 *
 * Filled from JSON by the tables of this folder, which are also the schema and the
 * help. Everything is owned and freed by scenario_done(). Durations are ns.
 */
#ifndef HARNESS_SCENARIO_SCENARIO_H
#define HARNESS_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/scenario/balancer_part.h"
#include "harness/scenario/expect_part.h"
#include "harness/scenario/load_request_part.h"
#include "harness/scenario/mcp_list.h"
#include "harness/scenario/placeholders.h"
#include "harness/scenario/rollout_part.h"
#include "harness/scenario/service_part.h"
#include "harness/scenario/stop_part.h"
#include "lib/fields.h"
#include "lib/strlist.h"

#define SCENARIO_SESSIONS_MAX 10000

/* "load": what is there when the stop comes. */
struct load_part {
	struct load_request_part request;
	struct strlist command; /* the user's own load generator; empty: none */
	int64_t sessions;       /* opened in parallel, distinct rooms and bots */
	bool replacement;       /* their clients turn to a second service at the stop */
	int64_t turns;          /* of them this many have a turn in flight */
	int64_t turn_ns;        /* how long such a turn takes */
	int64_t idle_connections; /* keep-alive connections that were used once */
};

struct scenario {
	char *name; /* for people */
	char *why;
	struct service_part service;
	char *agent_json; /* the mock agent API's behavior, as text; NULL: not given */
	struct mcp_list mcp;
	struct load_part load;
	struct stop_part stop;
	struct rollout_part rollout;
	struct balancer_part balancer; /* of a rollout */
	struct expect_part expect;
	int64_t repeat;
	bool alone;             /* no other case runs beside this one */
	int64_t seed;           /* 0: the run's */
	struct strlist engines; /* empty: all */
};

extern const struct field scenario_fields[];

/* Reads root, an object of doc or a changed copy of one, over the defaults, and hands
 * each wrong member to `wrong`. Its matrix, variants and twin are left to plan.h. On
 * failure nothing is owned. */
bool scenario_read(struct scenario *scenario, const struct json_doc *doc,
	const cJSON *root, fields_wrong_fn *wrong, void *arg) MUST_CHECK;
void scenario_done(struct scenario *scenario);

/* Does everything fit together? Hands each contradiction to `wrong`, at the place of
 * one of the keys that contradict each other. */
bool scenario_check(const struct scenario *scenario, const struct json_doc *doc,
	const cJSON *root, fields_wrong_fn *wrong, void *arg) MUST_CHECK;

/* Is stopbench's own service stopped, with the sessions and logs of docs/events.md? */
bool scenario_is_ours(const struct scenario *scenario);

/* Is it about many stops, of a service with replicas on an orchestrator? */
bool scenario_has_rollout(const struct scenario *scenario);

/* Does the service's entrypoint, command or environment contain this placeholder? */
bool scenario_uses(const struct scenario *scenario, enum placeholder placeholder);

/* Is a mock agent API started? For our service by default, for another one when the
 * scenario uses {agent_url}. Never with "mocks": false. */
bool scenario_has_mocks(const struct scenario *scenario);

/* Value of NAME in service.env, or NULL. */
const char *scenario_env(const struct scenario *scenario, const char *name);

/* Is the value of NAME secret: in service.secrets, or with KEY, TOKEN, SECRET or
 * PASSWORD in its name? */
bool scenario_env_is_secret(const struct scenario *scenario, const char *name);

/* The same of a header of load.request, and with AUTH or COOKIE in its name. */
bool scenario_header_is_secret(const struct scenario *scenario, const char *name);

/* Gives the caller a string to free(): json, a resolved scenario, with "***" in place
 * of every secret value of its environment and its headers. */
char *scenario_json_redacted(
	const struct scenario *scenario, const char *json) MUST_CHECK;

#endif

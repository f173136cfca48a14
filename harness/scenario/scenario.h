/*
 * scenario - what one case starts, stops and expects.
 *
 * Filled from JSON by the tables in scenario.c, which are also the schema and the
 * help. Everything is owned and freed by scenario_done(). Durations are ns.
 */
#ifndef HARNESS_SCENARIO_SCENARIO_H
#define HARNESS_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/scenario/placeholders.h"
#include "lib/fields.h"
#include "lib/strlist.h"

#define SCENARIO_SESSIONS_MAX 5000
#define SCENARIO_MCP_MAX      64

/* "service": what is stopped. */
enum ready_kind {
	READY_DEFAULT, /* HTTP /ready for our service, TCP when there is a port */
	READY_HTTP,    /* {"http": "/path"}: answers 2xx */
	READY_TCP,     /* {"tcp": 8080}: accepts a connection */
	READY_LOG,     /* {"log": "text"}: prints a line that contains the text */
	READY_SIGNAL, /* {"signal": true}: PID 1 catches, blocks or waits for the stop signal */
};

struct ready {
	enum ready_kind kind;
	char *text;        /* path, or text of the log line */
	int64_t port;      /* of READY_TCP; 0: service.port */
	int64_t within_ns; /* "within": bound of the wait; default 20s */
};

/* How a session is opened from outside; the defaults fit our service. In path and
 * body, {n} is the session's number from 1, {room} the same, {bot} its bot. */
struct session_request {
	char *path;     /* "/webhook/{bot}" */
	char *body;     /* the JSON text sent */
	int64_t status; /* what a good answer has: 200 */
	struct strlist bots;
	int64_t within_ns; /* bound of the wait for the answer: 60s */
};

enum topology {
	TOPOLOGY_HOST, /* only the service is a container, on the host's network */
	TOPOLOGY_CONTAINERS, /* service and mock-agent are, on a network of their own */
};

struct service_part {
	char *image;               /* NULL: our own, which has all our programs */
	struct strlist entrypoint; /* docker run --entrypoint; empty: the image's own */
	struct strlist command; /* docker run IMAGE COMMAND; empty: the image's own */
	struct strlist env;     /* "NAME=value" each */
	struct strlist secrets; /* names in env whose values no report shows */
	int64_t port;           /* 0: our service chooses one and logs it */
	struct ready ready;
	struct session_request session;
	bool init;         /* tini in front, as docker run --init */
	char *stop_signal; /* "SIGQUIT"; NULL: the image's, else SIGTERM */
	int topology;      /* enum topology */
	bool mocks;        /* false: no mock agent API, see scenario_has_mocks() */
};

/* "load": what is there when the stop comes. */
struct load_part {
	int64_t sessions;         /* opened in parallel, distinct rooms and bots */
	int64_t turns;            /* of them this many have a turn in flight */
	int64_t turn_ns;          /* how long such a turn takes */
	int64_t idle_connections; /* keep-alive connections that were used once */
};

/* "stop" */
struct stop_part {
	int64_t grace_ns;
	char *when; /* "sessions.ready", "exit", or an event's name (docs/events.md) */
	int64_t count;     /* of that event: this many */
	int64_t within_ns; /* how long `when` may take: 60s */
};

/* "expect": what must be seen. What is left out is not checked; but without verdict, exit
 * code and diagnosis the stop must be clean, with exit code 0. */
#define EXPECT_CODES_MAX 8
#define EXPECT_ANY       (-1)
#define EXPECT_ALL       (-2)

struct exit_codes {
	int64_t code[EXPECT_CODES_MAX];
	unsigned count;
};

struct expect_part {
	struct exit_codes exit_codes; /* one number or a list; empty: any */
	unsigned verdicts;    /* bits 1u << enum verdict; a name or a list; 0: any */
	int64_t within_ns;    /* 0: any */
	int diagnosis;        /* enum diagnosis_id: the deepest */
	int64_t disconnected; /* sessions seen disconnected, "all", or EXPECT_ANY */
	int64_t orphans;      /* processes cut by PID 1's end, or EXPECT_ANY */
	int64_t lost;         /* requests, or EXPECT_ANY */
	struct strlist log;   /* texts that the service's log must have */
};

/* "mcp": the MCP servers of each session. */
struct mcp_server {
	char *name;
	char *json; /* the mock's behavior, as text */
};

struct mcp_list {
	struct mcp_server *server;
	unsigned count;
};

struct scenario {
	char *name; /* for people */
	char *why;
	struct service_part service;
	char *agent_json; /* the mock agent API's behavior, as text; NULL: not given */
	struct mcp_list mcp;
	struct load_part load;
	struct stop_part stop;
	struct expect_part expect;
	int64_t repeat;
	bool alone; /* no other case runs beside this one */
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

/* Does everything fit together? Hands each contradiction to `wrong`, at the place of one
 * of the keys that contradict each other. */
bool scenario_check(const struct scenario *scenario, const struct json_doc *doc,
	const cJSON *root, fields_wrong_fn *wrong, void *arg) MUST_CHECK;

/* Is stopbench's own service stopped, with the sessions and logs of docs/events.md? */
bool scenario_is_ours(const struct scenario *scenario);

/* Does the service's entrypoint, command or environment contain this placeholder? */
bool scenario_uses(const struct scenario *scenario, enum placeholder placeholder);

/* Is a mock agent API started? For our service by default, for another one when the
 * scenario uses {agent_url}. Never with "mocks": false. */
bool scenario_has_mocks(const struct scenario *scenario);

/* Value of NAME in service.env, or NULL. */
const char *scenario_env(const struct scenario *scenario, const char *name);

/* Is the value of NAME secret: in service.secrets, or with KEY, TOKEN, SECRET or PASSWORD
 * in its name? */
bool scenario_env_is_secret(const struct scenario *scenario, const char *name);

/* Gives the caller a string to free(): json, a resolved scenario, with "***" in place of
 * every secret value of its environment. */
char *scenario_json_redacted(
	const struct scenario *scenario, const char *json) MUST_CHECK;

#endif

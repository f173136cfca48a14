/*
 * config - the service's settings from environment and flags, read and checked at the
 * start.
 */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "service/cli/cli_host.h"
#include "service/mcp/mcp_config.h"

enum config_agent {
	CONFIG_AGENT_API, /* sessions of the agent API */
	CONFIG_AGENT_CLI, /* a process of the CLI for each session */
};

enum config_disconnect {
	DISCONNECT_PARALLEL,   /* all sessions at once, under one deadline */
	DISCONNECT_SEQUENTIAL, /* one after the other, without a deadline */
	DISCONNECT_NONE, /* none: wait until streams and children end by themselves */
};

enum config_agent_http {
	AGENT_HTTP_1_1, /* a connection for each request that is under way */
	AGENT_HTTP_2,   /* connections that all sessions share */
};

enum config_pacing {
	PACING_ADAPTIVE, /* agent_pacer.h */
	PACING_NONE,
};

/* The values of DISCONNECT and SESSION_END, by their enums; NULL-terminated. */
extern const char *const config_disconnects[];
extern const char *const config_session_ends[];

struct config {
	char *host;
	int64_t port; /* 0: any free one */
	int agent;    /* enum config_agent */
	char *agent_url;
	int agent_http;       /* enum config_agent_http */
	char *agent_key;      /* secret */
	char *agent_id;       /* NULL: one is created */
	char *environment_id; /* NULL: one is created */
	char *model;
	char *mcp_setting; /* MCP_CONFIG as given; "(given as text)" for JSON */
	struct mcp_config mcp;
	struct cli_config cli;
	char *bot_list; /* BOTS as given */
	char *store_path;
	int64_t grace_ns;
	char *reserve_text, *turn_budget_text; /* as given; NULL: by rule */
	int session_end;                       /* enum agent_session_end */
	int disconnect;                        /* enum config_disconnect */
	int pacing;                            /* enum config_pacing */
	int64_t idle_ns;                       /* 0: never */
	int64_t session_limit;
	int64_t queue_limit;
	char *webhook_token; /* secret; NULL: not checked */
	int64_t turn_ns, request_ns;
	int64_t drain_delay_ns, drain_jitter_ns, linger_ns;
	int64_t body_limit;
	int64_t health; /* not 0: ask the service at this port for its health */

	/* Derived from the settings above. */
	int64_t budget_ns;      /* GRACE - RESERVE, from the signal on */
	int64_t turn_budget_ns; /* from the signal until turns are interrupted */
	struct strlist bots;
};

/* --help and the like print and exit(0). */
bool config_read(
	struct config *config, int argc, char **argv, struct err *err) MUST_CHECK;
void config_done(struct config *config);

/* Logs every setting; a secret as "(set)". */
void config_log(const struct config *config);

/* The name as config has it, borrowed; NULL: there is no such bot. */
const char *config_bot(const struct config *config, const char *name);

#endif

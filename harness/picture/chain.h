/*
 * chain - the critical chain of a stop: what held it up, from the stop signal to the end
 * of PID 1, without a gap.
 *
 * It is found from the end of PID 1 backwards. A link stands only where its evidence is
 * there: PID 1 that was seen to wait for a child, a session's own events, a service that
 * says that it disconnects one session after the other. What is not proven stays PID 1's
 * own time.
 */
#ifndef HARNESS_PICTURE_CHAIN_H
#define HARNESS_PICTURE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "harness/judge/view.h"
#include "harness/picture/stop_steps.h"

/* Longer chains have their rows of the same kind joined. */
#define CHAIN_MAX 64

enum chain_kind {
	CHAIN_PROCESS, /* a process: PID 1, a child, an MCP server */
	CHAIN_SESSION, /* a session at the agent API */
	CHAIN_TURN,    /* a turn that runs */
	CHAIN_REQUEST, /* a request in flight */
	CHAIN_PHASE,   /* of the service's own: drain, disconnect, flush */
	CHAIN_KILL,    /* from SIGKILL to the end */
	CHAIN_KINDS,
};

extern const char *const chain_kind_names[CHAIN_KINDS + 1]; /* NULL-terminated */

struct chain_item {
	enum chain_kind kind;
	char *name; /* "mock-mcp (pid 3)", "session 2" */
	char *what; /* in words without times: "SIGTERM sent, and still there" */
	int64_t from_ns, to_ns; /* from the stop signal */
	unsigned count;         /* things that were waited for one after the other */
};

struct chain {
	struct chain_item *list; /* owned; in the order of time */
	unsigned count;          /* 0: no signal or no end was seen */
	/* The longest: a row of links of one kind counts as one. Owned; count 0: none. */
	struct chain_item held_up_by;
};

void chain_find(
	struct chain *chain, const struct view *view, const struct stop_steps *steps);
void chain_done(struct chain *chain);

/* Links of one kind that were waited for in the same way. Borrowed from the chain. */
struct chain_row {
	const struct chain_item *first; /* NULL: there is none */
	int64_t ns;                     /* of all of them */
	unsigned count;                 /* things that they stand for */
};

typedef bool chain_counts_fn(const struct chain_item *item, const void *arg);

/* The longest row of the links that count. */
struct chain_row chain_longest(
	const struct chain *chain, chain_counts_fn *counts, const void *arg);

/* Adds "chain" and "held_up_by" to a round's JSON. */
void chain_add_json(const struct chain *chain, cJSON *round);

#endif

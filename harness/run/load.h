/*
 * load - the clients of a case: they open sessions through webhooks, start turns and
 * hold idle keep-alive connections.
 */
#ifndef HARNESS_RUN_LOAD_H
#define HARNESS_RUN_LOAD_H

#include <uv.h>

#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct load_call;

/* Only load.c writes it. */
struct load {
	const struct scenario *scenario;
	struct evidence *evidence;
	char *base;
	char *agent_url;        /* "": there is none */
	struct fetch *webhooks; /* a fresh connection each, closed afterwards */
	struct fetch *idle;     /* keeps its connections */
	struct load_call *calls;
	unsigned opened; /* sessions whose webhook was sent */
	/* By their kind: requests that ended, well or not, and the first one that went
	 * wrong, in words. */
	unsigned ended[REQUEST_KINDS];
	char *trouble[REQUEST_KINDS];
};

/* Keeps loop, scenario and evidence; base is "http://127.0.0.1:8080", agent_url what
 * stands for {agent_url}, or NULL. */
struct load *load_create(uv_loop_t *loop, const struct scenario *scenario,
	const char *base, const char *agent_url, struct evidence *evidence,
	struct err *err) MUST_CHECK;

/* Sends the scenario's requests of that kind: the webhooks that open its sessions, a
 * thousand at a time; or all at once one more to each of the first load.turns sessions, or the requests whose
 * connections idle. */
void load_begin(struct load *load, enum request_kind kind);

/* One session more, beyond those of the scenario or in their place: no other follows. */
void load_open_one(struct load *load, unsigned session);

void load_destroy(struct load *load); /* accepts NULL; open requests stay pending */

#endif

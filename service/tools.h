/*
 * tools - which MCP server has which tools.
 *
 * A server tells its tools only when it runs; the agent wants them declared before the
 * first session. So lists are kept, in the store too, and a server nobody knows yet is
 * asked once: by the first session that opens, whose server it stays. The others wait
 * for that (see kit). One that failed to tell is asked again by a session that opens
 * later; seldom, if it keeps sessions waiting.
 */
#ifndef SERVICE_TOOLS_H
#define SERVICE_TOOLS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct agent;
struct servers;
struct store;
struct tools;

/* Keeps servers and store; servers go by their index there. */
struct tools *tools_create(
	const struct servers *servers, struct store *store) MUST_CHECK;
/* Accepts NULL. */
void tools_destroy(struct tools *tools);

/* Nothing is being asked or left to ask: every list is known, or could not be had. */
bool tools_settled(const struct tools *tools);

/* A session begins to open, and claims what is unknown: servers that failed to tell are
 * unknown again, if it is time. Those who wait already do not try again, or a hundred
 * would wait for each other's tries. */
void tools_try_again(struct tools *tools);

/* May the caller ask this server? True: it must tell what became of it by one of the
 * three below. False: there is no need, or somebody else is at it. */
bool tools_claim(struct tools *tools, unsigned server) MUST_CHECK;
void tools_release(struct tools *tools, unsigned server); /* it was not asked */

/* Also from whoever started a server for another reason. list is a tools/list array,
 * borrowed. */
void tools_learn(struct tools *tools, unsigned server, const cJSON *list);
void tools_failed(struct tools *tools, unsigned server);

/* Somebody who waits for tools_settled(); hears of every change, during it. */
struct tools_waiter {
	void (*changed)(void *arg);
	void *arg;
	struct tools_waiter *prev, *next;
	bool waiting;
};

void tools_wait(struct tools *tools, struct tools_waiter *waiter);
void tools_unwait(struct tools *tools, struct tools_waiter *waiter); /* if it waits */

/* Tells the agent the tools that are known, if it was told others. Names are made fit
 * for it, and unique ("server__tool" where two servers have one name). */
void tools_declare(struct tools *tools, struct agent *agent);

/* Which server has the tool that was declared as `name`, and what it is called there
 * (borrowed). "server__tool" is understood for all. */
bool tools_find(const struct tools *tools, const char *name, unsigned *server,
	const char **tool);

#endif

/*
 * kit - the MCP servers of one session.
 *
 * A server is started with the session, or at the first call of one of its tools, as
 * MCP_START says; one that died is started again by the next call. One that fails to
 * start is reported, fails its calls, and hurts nobody else; the next session tries it
 * again.
 */
#ifndef SERVICE_KIT_H
#define SERVICE_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct kit;
struct means;

/* All from the loop. */
struct kit_events {
	/* After kit_open(): what has to run is ready or has failed, and the tools of
	 * all servers are known, as far as they can be. */
	void (*settled)(void *arg);
	/* The end of a kit_call(): content blocks, see mcp_result.h. Both borrowed. */
	void (*answered)(
		void *arg, const char *use_id, const cJSON *content, bool is_error);
	/* After kit_stop() or kit_abandon(): none of the processes is left. */
	void (*gone)(void *arg);
};

/* Keeps means and events; copies room and bot. */
struct kit *kit_create(const struct means *means, const char *room, const char *bot,
	const struct kit_events *events, void *arg) MUST_CHECK;

void kit_open(struct kit *kit);

/* `tool` is a name that tools.h declared; what is passed is copied. */
void kit_call(
	struct kit *kit, const char *use_id, const char *tool, const cJSON *input);

/* All down their ladders, side by side, shortened so that the last rung is reached
 * before deadline_ns (CLOCK_MONOTONIC, 0: as configured). Asked again, only faster. */
void kit_stop(struct kit *kit, int64_t deadline_ns);
void kit_kill(struct kit *kit);

/* Starts nothing more, and waits until the servers end by themselves. */
void kit_abandon(struct kit *kit);

/* Kills what still runs. The loop must turn for its handles. Accepts NULL. */
void kit_destroy(struct kit *kit);

#endif

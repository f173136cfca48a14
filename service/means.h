/*
 * means - what a session works with. One of a kind each, all borrowed from main, all
 * outliving every session.
 */
#ifndef SERVICE_MEANS_H
#define SERVICE_MEANS_H

#include <uv.h>

struct means {
	uv_loop_t *loop;
	const struct config *config;
	struct family *family; /* of MCP servers */
	struct starter *starter;
	struct agent *agent;
	struct store *store;
	struct tools *tools;
	struct metrics *metrics;
};

#endif

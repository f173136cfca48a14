/*
 * mcp_tools_list - reads which tools an MCP server has: its tools/list, page by page.
 *
 * One reading at a time. Asked for while one is under way, it is read once more
 * afterwards, for nobody knows which of the two states the first has seen.
 */
#ifndef SERVICE_MCP_MCP_TOOLS_LIST_H
#define SERVICE_MCP_MCP_TOOLS_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/mcp/jsonrpc.h"

/* The end of a reading, from the loop. tools is the whole array, borrowed; or NULL, and
 * `why` says why. */
typedef void mcp_listed_fn(void *arg, const cJSON *tools, const char *why);

/* Embedded in its owner, beside the conversation. */
struct mcp_tools_list {
	struct jsonrpc *rpc;
	mcp_listed_fn *done;
	void *arg;
	cJSON *tools; /* read so far */
	unsigned pages;
	bool reading;
	int64_t deadline_ns;
	int64_t again_by_ns; /* 0: not again */
};

/* Keeps rpc. */
void mcp_tools_list_init(struct mcp_tools_list *list, struct jsonrpc *rpc,
	mcp_listed_fn *done, void *arg);
/* The conversation is over, or has not begun. */
void mcp_tools_list_done(struct mcp_tools_list *list);

/* deadline_ns is CLOCK_MONOTONIC. */
void mcp_tools_list_read(struct mcp_tools_list *list, int64_t deadline_ns);

/* `done` does not come any more. */
void mcp_tools_list_stop(struct mcp_tools_list *list);

#endif

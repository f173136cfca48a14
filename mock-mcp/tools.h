/*
 * tools - the tools of the server: small ones that really work.
 *
 * Wrong arguments are reported in the result ("isError"), as the protocol demands, so
 * that a model can correct its call.
 */
#ifndef MOCK_MCP_TOOLS_H
#define MOCK_MCP_TOOLS_H

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"

struct tool;

/* The array "tools" of tools/list, the caller's. */
cJSON *tools_list(void) MUST_CHECK;

/* NULL: there is none of that name. */
const struct tool *tools_find(const char *name);
const char *tools_suggest(const char *name); /* NULL: none is near */

/* The result of tools/call, the caller's. Arguments may be NULL. */
cJSON *tools_call(const struct tool *tool, const cJSON *arguments) MUST_CHECK;

/* A line each, for --help. */
void tools_help(struct buf *text);

#endif

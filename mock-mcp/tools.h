/*
 * tools - what the server can do for its client: small things that really work.
 *
 * What is wrong with a call's arguments is told in its result ("isError"), as the
 * protocol wants it, so that a model can correct itself.
 */
#ifndef MOCK_MCP_TOOLS_H
#define MOCK_MCP_TOOLS_H

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"

struct tool;

/* The array "tools" of tools/list, the caller's. */
cJSON *tools_list(void) MUST_CHECK;

/* NULL when there is none of that name. */
const struct tool *tools_find(const char *name);
const char *tools_suggest(const char *name); /* NULL when none is near */

/* The result of tools/call, the caller's. Arguments may be NULL. */
cJSON *tools_call(const struct tool *tool, const cJSON *arguments) MUST_CHECK;

/* A line each, for --help. */
void tools_help(struct buf *text);

#endif

/*
 * mcp_result - the result of a tool call as content blocks of the agent API.
 *
 * Adjacent texts become one text, images stay images; a part that the API does not take
 * is replaced by its name. Structured content becomes its JSON where there is no text:
 * a tool that has both says the same in both.
 */
#ifndef SERVICE_MCP_MCP_RESULT_H
#define SERVICE_MCP_MCP_RESULT_H

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* Gives the content blocks of this result of tools/call. NULL: the result has neither
 * content nor structured content. */
cJSON *mcp_result_blocks(const cJSON *result) MUST_CHECK;

/* Gives one block with this text. */
cJSON *mcp_result_text(const char *text) MUST_CHECK;

#endif

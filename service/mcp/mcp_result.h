/*
 * mcp_result - what a tool answered, in the agent API's words.
 *
 * Texts that follow each other become one text, images stay images; what the API can't
 * be shown is named in words. Of structured content the JSON is told where no text is,
 * for a tool that has both says the same in both.
 */
#ifndef SERVICE_MCP_MCP_RESULT_H
#define SERVICE_MCP_MCP_RESULT_H

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* The content blocks of this result of tools/call, to cJSON_Delete(). NULL: it has
 * neither content nor structured content. */
cJSON *mcp_result_blocks(const cJSON *result) MUST_CHECK;

/* One block with this text; likewise. */
cJSON *mcp_result_text(const char *text) MUST_CHECK;

#endif

/*
 * tool - what a tool of the server is: a row of a table.
 *
 * Most tools give a text at once (`run`) or always the same content. Others ask the
 * client, or do something else with the call (`begin`), as call.h allows it. Arguments
 * are checked against the parameters before.
 */
#ifndef MOCK_MCP_FEATURES_TOOL_H
#define MOCK_MCP_FEATURES_TOOL_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "mock-mcp/features/inputs.h"
#include "mock-mcp/rpc/call.h"

#define TOOL_PARAMS_MAX 4

enum tool_param_kind {
	TOOL_PARAM_TEXT = 1,
	TOOL_PARAM_NUMBER,
	TOOL_PARAM_WHOLE,
	TOOL_PARAM_NUMBERS, /* a list of at least one */
};

struct tool_param {
	const char *name; /* NULL ends the list */
	enum tool_param_kind kind;
	const char *help;
	double min, max; /* both 0: any */
	bool optional;
	const char *header; /* over HTTP it is also in Mcp-Param-HEADER; NULL: no */
};

/* Appends the answer. False: err is the answer, which the result marks as an error. */
typedef bool tool_run_fn(const cJSON *arguments, struct buf *answer, struct err *err);
/* `params` are those of tools/call; "arguments" may be absent there. */
typedef void tool_begin_fn(struct call *call, const cJSON *params);

struct tool {
	const char *name;
	const char *help;
	/* One of these. */
	tool_run_fn *run;
	tool_begin_fn *begin;
	const char *content;         /* the content of every answer, as JSON */
	const struct inputs *inputs; /* what the client is asked for */
	struct tool_param params[TOOL_PARAMS_MAX + 1];
	const char *schema;        /* instead of params, which are not checked then */
	const char *output_schema; /* of its structuredContent; NULL: it has none */
};

struct tool_table {
	const struct tool *tools;
	unsigned count;
};

/* Those that every server has, and those of all features. */
extern const struct tool_table tool_table_small;
extern const struct tool_table tool_table_rich, tool_table_asking;

/* Ends a call with this text. */
void tool_answer_text(struct call *call, const char *text);

#endif

/*
 * placeholders - names in braces that a run replaces: "--url={agent_url}".
 *
 * service.env, command and entrypoint and load.command may contain placeholders, so that
 * a service of somebody else gets what its scenario names, and nothing more. A name
 * is lower-case letters and '_'. "{{port}}" stands for the text "{port}"; every other
 * brace stands for itself, as in JSON or in a shell script.
 */
#ifndef HARNESS_SCENARIO_PLACEHOLDERS_H
#define HARNESS_SCENARIO_PLACEHOLDERS_H

#include <stdbool.h>

#include "lib/err.h"

enum placeholder {
	PLACEHOLDER_AGENT_URL,   /* URL of the mock agent API */
	PLACEHOLDER_AGENT_KEY,   /* the key that the mock agent API accepts */
	PLACEHOLDER_MCP_CONFIG,  /* JSON: {"mcpServers": {...}}, the mocks of "mcp" */
	PLACEHOLDER_PORT,        /* service.port, or a free port that the run chose */
	PLACEHOLDER_LEDGER,      /* address of the run's ledger (docs/events.md) */
	PLACEHOLDER_SERVICE_URL, /* of load.command alone: "http://127.0.0.1:8080" */
	PLACEHOLDER_GRACE,       /* stop.grace, in ns: "2000000000ns" */
	PLACEHOLDERS,
};

extern const char *const placeholder_names[PLACEHOLDERS]; /* without braces */

/* False when text has a placeholder of no known name; err names it and the nearest. */
bool placeholders_check(const char *text, struct err *err) MUST_CHECK;

/* Gives the caller a string to free(): what stands for the text itself, whatever is in
 * it. */
char *placeholders_escape(const char *text) MUST_CHECK;

bool placeholders_use(const char *text, enum placeholder placeholder);

/* Gives the caller a string to free(): text with values[placeholder] (NULL: nothing) in
 * place of each placeholder. Text of an unknown name stays as it is. */
char *placeholders_expand(
	const char *text, const char *const values[PLACEHOLDERS]) MUST_CHECK;

#endif

/*
 * scenario_fields - the members of a scenario that no plain field describes: each with its
 * reader, its JSON Schema and, where it owns something, its end (see lib/fields.h).
 */
#ifndef HARNESS_SCENARIO_SCENARIO_FIELDS_H
#define HARNESS_SCENARIO_SCENARIO_FIELDS_H

#include <stdbool.h>

#include "harness/scenario/scenario.h"

typedef bool reader_fn(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
typedef cJSON *schema_fn(void);

/* Each makes `out`, a struct ready, its kind. */
reader_fn read_ready_http, read_ready_tcp, read_ready_log, read_ready_signal;

reader_fn read_entrypoint; /* struct strlist: a list, or a string as its one member */
reader_fn read_command;    /* struct strlist */
reader_fn read_env;        /* struct strlist, "NAME=value" each */
reader_fn read_body;       /* char *: any JSON, as text; a string is that text */
reader_fn read_when;       /* char * */
reader_fn read_exit_codes; /* struct exit_codes */
reader_fn read_verdicts;   /* unsigned, bits */
reader_fn read_count;      /* int64_t, EXPECT_ALL for "all" */
reader_fn read_engines;    /* struct strlist */
reader_fn read_agent;      /* struct agent_behavior */
reader_fn read_mcp;        /* struct mcp_list */
reader_fn read_elsewhere;  /* nothing: plan.h reads it */

void free_text(void *out);
void free_agent(void *out);
void free_mcp(void *out);

schema_fn text_schema, port_schema, true_schema, any_schema, when_schema;
schema_fn entrypoint_schema;
schema_fn exit_codes_schema, verdicts_schema, count_schema, engines_schema;
schema_fn agent_schema, mcp_schema, matrix_schema, variants_schema, twin_schema;

#endif

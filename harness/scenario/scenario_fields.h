/*
 * scenario_fields - the members of a scenario that no plain field describes: how each is
 * read, freed and described in the schema (lib/fields.h).
 */
#ifndef HARNESS_SCENARIO_SCENARIO_FIELDS_H
#define HARNESS_SCENARIO_SCENARIO_FIELDS_H

#include "lib/fields.h"

/* Of a struct ready, whose kind each sets. */
extern const struct field_type ready_http_type, ready_tcp_type, ready_log_type,
	ready_signal_type;

/* Of a struct strlist. */
extern const struct field_type entrypoint_type; /* a list, or a string: its one item */
extern const struct field_type command_type;
extern const struct field_type env_type; /* "NAME=value" each */
extern const struct field_type engines_type;

extern const struct field_type body_type;       /* char *: JSON as text, or a string */
extern const struct field_type when_type;       /* char * */
extern const struct field_type exit_codes_type; /* struct exit_codes */
extern const struct field_type verdicts_type;   /* unsigned, bits */
extern const struct field_type count_type;      /* int64_t, EXPECT_ALL for "all" */
extern const struct field_type agent_type;      /* char *: JSON as text */
extern const struct field_type mcp_type;        /* struct mcp_list */

/* Keys that plan.h reads; nothing is stored here. */
extern const struct field_type schema_type, matrix_type, variants_type, twin_type;

#endif

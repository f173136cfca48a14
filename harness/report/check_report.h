/*
 * check_report - what `stopbench check` says of one container: would its stop be clean,
 * why not, what cures it, and what could not be seen.
 */
#ifndef HARNESS_REPORT_CHECK_REPORT_H
#define HARNESS_REPORT_CHECK_REPORT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "harness/check/check.h"
#include "harness/engine/engine.h"
#include "lib/terminal.h"

/* All borrowed. */
struct check_report {
	bool own_grace; /* nobody asked for another one */
	const struct check_input *input;
	const struct check *check;
};

/* A block of lines, for people. */
void check_report_print(
	const struct check_report *report, const struct terminal *terminal, FILE *out);

/* The same for programs; the caller's. */
cJSON *check_report_json(const struct check_report *report) MUST_CHECK;

/* What a service of an orchestrator is configured for, and which of its tasks were looked
 * at. All borrowed. */
struct check_service_report {
	const char *service, *orchestrator;
	int64_t grace_ns;
	const struct check *check;
	unsigned tasks, seen;
	const char *unseen; /* "web.2 on n2, web.4 on n2"; "": all were seen */
};

void check_report_print_service(const struct check_service_report *report,
	const struct terminal *terminal, FILE *out);
cJSON *check_report_service_json(const struct check_service_report *report) MUST_CHECK;

#endif

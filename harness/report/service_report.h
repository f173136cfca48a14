/*
 * service_report - what `stopbench stop --service` says: how each task ended, why, what
 * cures it, and how the service is brought back.
 */
#ifndef HARNESS_REPORT_SERVICE_REPORT_H
#define HARNESS_REPORT_SERVICE_REPORT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "harness/rollout/service_stop.h"
#include "lib/terminal.h"

/* A block of lines for each task, and what comes next, for people. */
void service_report_print(
	const struct service_stop *stop, const struct terminal *terminal, FILE *out);

/* The same for programs; the caller's. */
cJSON *service_report_json(const struct service_stop *stop) MUST_CHECK;

#endif

/*
 * stop_report - what `stopbench stop` says of one stop: the verdict, the reason with its
 * evidence, the cure, and what comes next.
 */
#ifndef HARNESS_REPORT_STOP_REPORT_H
#define HARNESS_REPORT_STOP_REPORT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "harness/engine/engine.h"
#include "harness/judge/judgement.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/terminal.h"

/* All borrowed. */
struct stop_report {
	const struct subject_about *about;
	bool own_grace;     /* nobody asked for another one */
	bool grace_unknown; /* only who stopped it knows it; the scenario has none */
	const struct scenario *scenario;
	const struct evidence *evidence;
	const struct judgement *judgement;
};

/* A block of lines, for people. */
void stop_report_print(
	const struct stop_report *report, const struct terminal *terminal, FILE *out);

/* The same for programs; the caller's. */
cJSON *stop_report_json(const struct stop_report *report) MUST_CHECK;

/* What a restart policy does after the stop, in one sentence; NULL: there is none. */
const char *stop_report_restart(const struct subject_about *about);

#endif

/*
 * fleet_report - what `stopbench fleet` says: the deploy, what is at risk in it, and what a
 * shorter stop would save.
 */
#ifndef HARNESS_REPORT_FLEET_REPORT_H
#define HARNESS_REPORT_FLEET_REPORT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "harness/fleet/fleet.h"

/* What the deploy takes where each stop is so much shorter, in seconds. */
struct fleet_saving {
	double shorter;
	struct fleet_estimate update;
};

#define FLEET_SAVINGS_MAX 5

/* All borrowed. */
struct fleet_report {
	const struct fleet *fleet;
	const struct fleet_prediction *prediction;
	const struct fleet_saving *savings;
	unsigned saving_count;
	double median_stop;     /* of the samples, in seconds */
	double measured_update; /* to compare with: a median; 0: there is none */
};

void fleet_report_print(const struct fleet_report *report, FILE *out);

/* The same for programs, in seconds; the caller's. */
cJSON *fleet_report_json(const struct fleet_report *report) MUST_CHECK;

#endif

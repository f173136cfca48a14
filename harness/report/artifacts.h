/*
 * artifacts - the files that are kept of a failed case.
 *
 *   REPORT/failed/<run>/<case>/
 *       why.txt         the cause, its cure, the last words; verdict, diagnoses,
 *                       expectations, the command that runs this case alone
 *       scenario.json   as it was resolved
 *       timeline.txt    every event, one line, relative to the signal
 *       ledger.jsonl    the events of the mocks
 *       service.log     stdout and stderr of the service, byte for byte
 *       snapshots.json  processes, masks, what each waited in
 *       engine.json     what the engine reported
 *
 * None has a secret of the scenario (redact.h), but folders are named after axes.
 */
#ifndef HARNESS_REPORT_ARTIFACTS_H
#define HARNESS_REPORT_ARTIFACTS_H

#include <stdbool.h>

#include "harness/judge/judge.h"
#include "harness/run/evidence.h"
#include "harness/scenario/plan.h"

/* Runs with failed cases that are kept, the present one included. */
#define ARTIFACTS_RUNS 5

/* Gives the caller the path of the folder for a run that begins now, to free(): its UTC
 * time, "REPORT/failed/2026-11-22T22.05.00". It is made by the first case that fails.
 * Removes the folders of all but the last runs, and nothing else. */
char *artifacts_open(const char *report) MUST_CHECK;

/* Writes below the folder of the run. Gives the caller the case's folder to free(): its
 * id, axes, half and round in letters that need no quoting in a shell; no two folders
 * are the same. */
char *artifacts_write(const char *run, const struct plan_case *plan_case,
	unsigned round, const struct evidence *evidence,
	const struct judgement *judgement, struct err *err) MUST_CHECK;

#endif

/*
 * artifacts - the files that are kept of a failed case.
 *
 *   REPORT/failed/<case>/  why.txt         verdict, diagnoses, expectations, the command
 *                                          that runs this case alone
 *                          scenario.json   as it was resolved
 *                          timeline.txt    every event, one line, relative to the signal
 *                          ledger.jsonl    the events of the mocks
 *                          service.log     stdout and stderr of the service, byte for byte
 *                          snapshots.json  processes, masks, what each waited in
 *                          engine.json     what the engine reported
 *
 * None has a secret of the scenario (redact.h), but folders are named after axes.
 */
#ifndef HARNESS_REPORT_ARTIFACTS_H
#define HARNESS_REPORT_ARTIFACTS_H

#include <stdbool.h>

#include "harness/judge/judge.h"
#include "harness/run/evidence.h"
#include "harness/scenario/plan.h"

/* Removes what an earlier run left in REPORT/failed: folders with a why.txt, nothing
 * else. */
void artifacts_clear(const char *report);

/* Gives the caller the folder's path to free(): the case's id, axes, half and round in
 * letters that need no quoting in a shell; no two folders are the same. */
char *artifacts_write(const char *report, const struct plan_case *plan_case,
	unsigned round, const struct evidence *evidence,
	const struct judgement *judgement, struct err *err) MUST_CHECK;

#endif

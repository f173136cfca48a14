/*
 * judgement - the verdict on a case, its reasons, and what was expected and seen.
 */
#ifndef HARNESS_JUDGE_JUDGEMENT_H
#define HARNESS_JUDGE_JUDGEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/judge/herd.h"
#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/verdict.h"
#include "lib/cc.h"

struct diagnosis {
	enum diagnosis_id id;
	char text[512]; /* in one sentence, with names and seconds */
};

/* One line of the scenario's expect. */
struct expectation {
	char what[32]; /* "exit_code" */
	char wanted[256];
	char seen[256];
	bool met;
};

#define EXPECTATIONS_MAX 16

struct judgement {
	enum verdict verdict;
	char reason[512]; /* one line: the verdict's sentence */
	struct diagnosis diagnoses[DIAGNOSES];
	unsigned diagnosis_count;
	struct expectation expectations[EXPECTATIONS_MAX];
	unsigned expectation_count;
	bool met;       /* every expectation is */
	bool could_run; /* false: TROUBLE_NOT_UP or TROUBLE_INTERRUPTED, exit code 3 */

	/* Counted for the table and the results. -1: not known. */
	int64_t stop_ns; /* T1 - T0 */
	int64_t stop_error_ns;
	int64_t sessions, disconnected, orphans, lost, turned_away;
	int64_t failed;    /* requests of a rollout */
	int64_t left_open; /* sessions that no request ends, open to their process's end */
	struct herd herd;       /* without a mock agent API all 0 */
	int64_t margin_ns;      /* grace - stop */
	int64_t engine_late_ns; /* SIGKILL after the grace; -1: none was sent */
	int64_t call_ns;        /* wall clock of the stop call */
};

/* Takes the finding as verdict and reason. The worst one wins: neither a milder nor an
 * unknown one overrides it. */
void judgement_find(struct judgement *judgement, enum verdict verdict,
	const char *format, ...) PRINTF(3, 4);

#endif

/*
 * expect_part - "expect" of a scenario: what must be seen.
 *
 * What is left out is not checked; but without verdict, exit code and diagnosis the
 * stop must be clean, with exit code 0.
 */
#ifndef HARNESS_SCENARIO_EXPECT_PART_H
#define HARNESS_SCENARIO_EXPECT_PART_H

#include <stdint.h>

#include "lib/fields.h"
#include "lib/strlist.h"

#define EXPECT_CODES_MAX 8
#define EXPECT_ANY       (-1)
#define EXPECT_ALL       (-2)

struct exit_codes {
	int64_t code[EXPECT_CODES_MAX];
	unsigned count;
};

struct expect_part {
	struct exit_codes exit_codes; /* one number or a list; empty: any */
	unsigned verdicts;    /* bits 1u << enum verdict; a name or a list; 0: any */
	int64_t within_ns;    /* 0: any */
	int diagnosis;        /* enum diagnosis_id: the deepest */
	int64_t disconnected; /* sessions seen disconnected, "all", or EXPECT_ANY */
	int64_t orphans;      /* processes cut by PID 1's end, or EXPECT_ANY */
	int64_t lost;         /* requests, or EXPECT_ANY */
	int64_t failed;       /* of a rollout: requests, or EXPECT_ANY */
	struct strlist log;   /* texts that the service's log must have */
	struct strlist log_absent; /* texts that no line of it may have */
};

extern const struct field expect_fields[];

#endif

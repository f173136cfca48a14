/*
 * stand_in - the stand-in CLI, from its first line of stdin to its exit code.
 *
 * JSONL in both directions, as service/cli/cli_message.h shows it. User messages wait in
 * a queue; one turn runs. The end of stdin ends an idle one; a turn that runs ends first.
 */
#ifndef MOCK_AGENT_CLI_STAND_IN_H
#define MOCK_AGENT_CLI_STAND_IN_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/rng.h"
#include "mock-agent/cli/cli_arguments.h"
#include "mock-agent/faults/cli_behavior.h"

/* All borrowed. */
struct stand_in_options {
	const struct cli_arguments *arguments;
	const struct cli_behavior *behavior;
	const char *session; /* the label in events; NULL: not known */
	struct rng *rng;
	int64_t started_ns;
};

/* SIGTERM and SIGINT are blocked. Writes the exit code. */
bool stand_in_run(
	const struct stand_in_options *options, int *exit_code, struct err *err);

/* Crashes or freezes if the behavior has this moment. */
void stand_in_moment(const struct cli_behavior *behavior, enum cli_moment moment);

#endif

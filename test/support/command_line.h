/*
 * command_line - runs the real stopbench and reads its output, for tests.
 */
#ifndef TEST_SUPPORT_COMMAND_LINE_H
#define TEST_SUPPORT_COMMAND_LINE_H

#include <sys/types.h>

#include <cjson/cJSON.h>

#include "test/support/program.h"

/* `stopbench run ... --format json` in a report folder of its own; its results. */
cJSON *run_scenarios(const char *const *arguments, int *code);

/* Starts a command without waiting for its end; its output goes to /dev/null. */
pid_t start_command(const char *const *arguments);

/* Does a Docker engine answer? Asserts that it does where STOPBENCH_REQUIRE_DOCKER is
 * set. */
int docker_is_there(void);

/* How many containers and networks were labelled from our temporary folder, $TMPDIR. */
int labelled_things(void);

/* How many "stopbench-*" folders are in the temporary folder. */
int run_folders(void);

/* How many processes have this command line, its words parted by blanks. */
unsigned processes(const char *command);
/* Waits until there are that many. */
void wait_for_processes(unsigned count, const char *command);

#define REPORT "build/test-report"
#define IDLE   "scenarios/baseline/10-idle.json"

/* Runs it: this is its exit code, and its stderr has this in it. */
void expect_code(const char *const *arguments, int wanted, const char *says);

/* Set-up and tear-down of a group: a temporary folder of its own in $TMPDIR, so that
 * whoever else runs stopbench has other run_folders. */
int enter_own_folder(void **state);
int leave_own_folder(void **state);

#endif

/*
 * load_command - load.command: the user's own load generator, a process on this machine
 * that runs beside the stop.
 */
#ifndef HARNESS_RUN_LOAD_COMMAND_H
#define HARNESS_RUN_LOAD_COMMAND_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct load_command;

/* Starts argv, NULL-terminated, with the environment and the folder of this process.
 * Keeps loop. */
struct load_command *load_command_begin(
	uv_loop_t *loop, const char *const *argv, struct err *err) MUST_CHECK;

bool load_command_has_ended(const struct load_command *command);

/* SIGTERM for a command that still runs, SIGKILL after LOAD_COMMAND_NS. */
#define LOAD_COMMAND_NS (INT64_C(5) * 1000000000)
void load_command_end(struct load_command *command);

/* Gives the caller how a command that has ended failed: "ended with exit 1: its last
 * line"; NULL: exit code 0, or the SIGTERM ended it (143 says so as well). */
char *load_command_failure(const struct load_command *command) MUST_CHECK;

/* Kills what still runs. Accepts NULL. */
void load_command_destroy(struct load_command *command);

#endif

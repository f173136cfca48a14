/*
 * witness_process - `stopbench witness` as a child, for a daemon whose containers are
 * processes of this kernel.
 */
#ifndef HARNESS_ROLLOUT_WITNESS_PROCESS_H
#define HARNESS_ROLLOUT_WITNESS_PROCESS_H

#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct witness_process;

/* Starts it, of this folder of our programs (NULL: this one's), with its socket below
 * `folder` (NULL: TMPDIR), for the daemon at docker_host, for containers with this label
 * (NULL: all). It ends with this process, too. Keeps loop. */
struct witness_process *witness_process_start(uv_loop_t *loop, const char *programs,
	const char *folder, const char *docker_host, const char *label,
	struct err *err) MUST_CHECK;
/* Ends it, and waits for its end. Turns the loop. Accepts NULL. */
void witness_process_end(struct witness_process *process);

/* Path of the socket at which it listens, soon. Borrowed. */
const char *witness_process_socket(const struct witness_process *process);
bool witness_process_runs(const struct witness_process *process);
/* What it said on stderr. Borrowed. */
const char *witness_process_words(const struct witness_process *process);

#endif

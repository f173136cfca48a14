/*
 * run_dir - the folder of one run, and the lock that says that it is alive.
 *
 * Below $TMPDIR or /tmp: "stopbench-<id>", with a file ".stopbench-lock" that the run
 * holds with flock(2); without that file a folder is not ours, whatever its name. The kernel lets go of the lock when the run dies, however it dies, so a
 * later run can tell a dead run's folder from a live one's and remove it.
 */
#ifndef HARNESS_RUN_RUN_DIR_H
#define HARNESS_RUN_RUN_DIR_H

#include <stdbool.h>

#include "lib/err.h"

struct run_dir {
	char *id;     /* the run's: label of what it creates, "1a2b3c4d" */
	char *folder; /* "/tmp/stopbench-1a2b3c4d" */
	int lock;
};

bool run_dir_open(struct run_dir *run_dir, struct err *err) MUST_CHECK;
/* Removes the folder unless keep. */
void run_dir_close(struct run_dir *run_dir, bool keep);

/* Removes the folders of runs that are over. Gives how many. */
unsigned run_dir_clean(void);

/* Is the run with this id over? (What it labelled may then be removed.) */
bool run_dir_is_over(const char *id);

#endif

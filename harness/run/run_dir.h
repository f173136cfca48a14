/*
 * run_dir - the folder of one run, and the lock that shows that the run is going on.
 *
 * Below $TMPDIR or /tmp: "stopbench-<id>", with a file ".stopbench-lock" that the run
 * holds with flock(2); a folder without that file is not a run's. The kernel frees the
 * lock at the end of the process, however it ends, so that a later run finds and
 * removes the folders of runs that are over.
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

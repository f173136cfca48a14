/*
 * home - the folder of one run, and the lock that says that it is alive.
 *
 * Below $TMPDIR or /tmp: "stopbench-<id>", with a file ".stopbench-lock" that the run
 * holds with flock(2); without that file a folder is not ours, whatever its name. The kernel lets go of the lock when the run dies, however it dies, so a
 * later run can tell a dead run's folder from a live one's and remove it.
 */
#ifndef HARNESS_RUN_HOME_H
#define HARNESS_RUN_HOME_H

#include <stdbool.h>

#include "lib/err.h"

struct home {
	char *id;     /* the run's: label of what it creates, "1a2b3c4d" */
	char *folder; /* "/tmp/stopbench-1a2b3c4d" */
	int lock;
};

bool home_open(struct home *home, struct err *err) MUST_CHECK;
/* Removes the folder unless keep. */
void home_close(struct home *home, bool keep);

/* Removes the folders of runs that are over. Gives how many. */
unsigned home_clean(void);

/* Is the run with this id over? (What it labelled may then be removed.) */
bool home_is_over(const char *id);

/* Removes path and all below it; links are not followed. */
void home_remove_tree(const char *path);

#endif

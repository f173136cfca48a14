/*
 * cri_log - the lines of a container's log file, as a container runtime writes it:
 *
 *   2026-11-30T21:09:10.067833701Z stdout F the line
 *
 * "P" in place of "F" is a part of a longer line (KEP "CRI Log Format"). A line's time is
 * the runtime's stamp, whose clock is ours. The runtime closes the file when both streams
 * have ended, which is how the log's end is seen; a log that is rotated meanwhile is
 * followed into its new file.
 */
#ifndef HARNESS_ENGINE_CRI_LOG_H
#define HARNESS_ENGINE_CRI_LOG_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "lib/err.h"

struct cri_log;

/* From the loop: the log may have become complete. */
typedef void cri_log_over_fn(void *arg);

struct cri_log_spec {
	const char *path; /* borrowed for the call */
	bool create;      /* the file is made, before the runtime opens it */
	bool last;        /* of the lines that are there now, only the last is told */
	subject_log_fn *line; /* NULL: nobody reads them */
	void *line_arg;
	cri_log_over_fn *over;
	void *over_arg;
};

/* Keeps loop. */
struct cri_log *cri_log_open(
	uv_loop_t *loop, const struct cri_log_spec *spec, struct err *err) MUST_CHECK;

/* Has the runtime closed the file, and did not open another? Also of NULL. */
bool cri_log_is_over(const struct cri_log *log);
void cri_log_close(struct cri_log *log); /* accepts NULL */

#endif

/*
 * docker_log - the lines of a container's stdout and stderr, from the first to the
 * last.
 *
 * The daemon sends both in one stream of frames. Docker 20.10 may end a followed log
 * before its last lines (seen with containers that end early); therefore the log is
 * read again as a whole afterwards, and the missing lines are added.
 */
#ifndef HARNESS_ENGINE_DOCKER_LOG_H
#define HARNESS_ENGINE_DOCKER_LOG_H

#include <stdbool.h>

#include "harness/engine/docker/api.h"
#include "harness/engine/engine.h"
#include "lib/err.h"

struct docker_log;

/* Called from the loop, once: the log is complete. */
typedef void docker_log_over_fn(void *arg);

/* Keeps api. `line` may be NULL. */
struct docker_log *docker_log_open(struct docker_api *api, const char *container,
	subject_log_fn *line, void *line_arg, docker_log_over_fn *over, void *over_arg,
	struct err *err) MUST_CHECK;
bool docker_log_is_over(const struct docker_log *log);
void docker_log_close(struct docker_log *log); /* accepts NULL */

#endif

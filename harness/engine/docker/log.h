/*
 * docker_log - what a container prints, from its beginning to its end.
 *
 * The daemon sends stdout and stderr in one stream of frames; here they are lines
 * again, each stream its own. Docker 20.10 may end a log that it follows before its
 * last lines (it was seen with containers that end soon), so when it has ended it is
 * asked for as a whole, and what had not come comes then.
 */
#ifndef HARNESS_ENGINE_DOCKER_LOG_H
#define HARNESS_ENGINE_DOCKER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/engine/docker/api.h"
#include "harness/engine/engine.h"
#include "lib/err.h"

struct docker_log;

/* From the loop, once: the stream has ended. */
typedef void docker_log_over_fn(void *arg);

/* Keeps api. */
struct docker_log *docker_log_open(struct docker_api *api, const char *container,
	subject_log_fn *line, docker_log_over_fn *over, void *arg,
	struct err *err) MUST_CHECK;
bool docker_log_is_over(const struct docker_log *log);
void docker_log_close(struct docker_log *log); /* accepts NULL */

#endif

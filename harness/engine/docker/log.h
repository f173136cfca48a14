/*
 * docker_log - the lines of a container's stdout and stderr, to the last.
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

struct docker_log_spec {
	const char *container; /* borrowed for the call */
	int64_t since_ns;      /* of the daemon's wall clock; 0: from its first line */
	bool tty; /* docker run -t: one stream without frames, CRLF at line ends */
	/* Lines have the time at which the daemon got them, whose wall clock is ours;
	 * else the time at which they are read. */
	bool stamped;
	subject_log_fn *line; /* NULL: nobody reads them */
	void *line_arg;
	docker_log_over_fn *over;
	void *over_arg;
};

/* Keeps api. */
struct docker_log *docker_log_open(struct docker_api *api,
	const struct docker_log_spec *spec, struct err *err) MUST_CHECK;
/* Why nothing of it could be read; NULL: it could. Borrowed. */
const char *docker_log_failure(const struct docker_log *log);
bool docker_log_is_over(const struct docker_log *log); /* also of NULL: there is none */
void docker_log_close(struct docker_log *log);         /* accepts NULL */

/* Gives the caller the last line that is there now, NULL when there is none, and its
 * time by the daemon's wall clock. False with err: the log can't be read, as of the log
 * driver "none". Turns the loop. */
bool docker_log_last(struct docker_api *api, const char *container, bool tty,
	char **line, int64_t *wall_ns, struct err *err) MUST_CHECK;

#endif

/*
 * container - one subject of the Docker engine, from create to remove.
 *
 * Events are subscribed to before the start; the log is read from its beginning; PID 1
 * has a monitor where it is a process of our kernel.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_H

#include "harness/engine/docker/docker.h"
#include "lib/loop_timer.h"

struct container {
	struct subject subject;
	struct docker_engine *docker;
	int64_t grace_s;
	struct docker_events *events;
	struct docker_log *log;
	subject_log_fn *line; /* the spec's */
	void *arg;
	int oom_fd;              /* oom.h; -1: not known */
	int64_t oom_before;      /* kills when the stop began; -1: not known */
	struct fetch_call *stop; /* the stop call under way */
	struct fetch_call *wait; /* a wait call under way */
	bool answered;           /* the stop call was */
	bool acted;              /* and the daemon did stop a running container */
	char stop_error[256];
	struct loop_timer *patience; /* container_stop's */
	cJSON *state;                /* of the last inspection */
};

/* As in engine.h; image is never NULL. */
struct subject *container_up(struct docker_engine *docker,
	const struct subject_spec *spec, const char *image, struct err *err) MUST_CHECK;
bool container_inspect(struct subject *subject, struct err *err);
cJSON *container_events(const struct subject *subject);
void container_down(struct subject *subject);
void container_keep(struct subject *subject);

#endif

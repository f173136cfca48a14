/*
 * container - one subject of the Docker engine: its stop, its inspection, its removal.
 *
 * A stop is over when the daemon has answered, PID 1 has ended, the log is complete and
 * the events of the stop have arrived. A daemon that takes longer than the grace period
 * and 50 s is stuck. container_create.h makes containers.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_H

#include "harness/engine/docker/docker.h"

struct container {
	struct subject subject;
	struct docker_engine *docker;
	int64_t grace_s;
	struct docker_events *events;
	struct docker_log *log;
	int oom_fd;              /* oom.h; -1: not known */
	int64_t oom_before;      /* kills when the stop began; -1: not known */
	struct fetch_call *stop; /* the stop call under way */
	struct fetch_call *wait; /* a wait call under way */
	bool answered;           /* the stop call was */
	bool acted;              /* and the daemon did stop a running container */
	char stop_error[256];
	struct loop_timer *patience; /* of a stop; NULL: there was none */
	cJSON *state;                /* of the last inspection; NULL: not known */
};

/* As in engine.h. */
bool container_stop(struct subject *subject, struct err *err) MUST_CHECK;
bool container_inspect(struct subject *subject, struct err *err);
cJSON *container_events(const struct subject *subject);
void container_down(struct subject *subject);
void container_keep(struct subject *subject);

/* As docker_api_call(); call->path is what follows "/containers/ID". */
bool container_call(struct container *container, const struct docker_call *call,
	struct err *err) MUST_CHECK;

/* Gives the caller the daemon's inspection, and keeps its "State". */
cJSON *container_read(
	struct container *container, bool stubborn, struct err *err) MUST_CHECK;

/* Asks the daemon to answer when it has noticed that the container has ended. */
bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err) MUST_CHECK;

/* PID 1 has ended. */
void container_note_end(struct container *container);

/* To be called when the log or the events have come further. */
void container_settle(struct container *container);

#endif

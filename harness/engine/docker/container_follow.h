/*
 * container_follow - the stop of a container by somebody else: docker stop, an
 * orchestrator, the daemon's own end.
 *
 * It begins with the stop signal to PID 1, as the kernel's trace has it, or with the
 * daemon's kill event. From then on the log is followed. It is over when PID 1 has ended,
 * the log is complete and the daemon has said so. A container that ends without a stop
 * signal is told likewise, with asked_ns 0.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_FOLLOW_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_FOLLOW_H

#include "harness/engine/docker/container.h"

/* Waits for the stop of an attached container, whose log is as log says. */
void container_follow(struct container *container, const struct attach_spec *spec,
	const struct docker_log_spec *log);

/* The daemon's events have come further. */
void container_follow_events(struct container *container);

/* PID 1 has ended: its log is read, if no stop signal was seen. */
void container_follow_end(struct container *container);

/* Has the daemon told of the end? */
bool container_follow_is_told(const struct container *container);

/* Completes the facts. The daemon is not asked: the container may be removed already, or
 * run again. */
void container_follow_conclude(struct container *container);

/* PID 1 runs on, long after its grace: that was no stop. */
void container_follow_again(struct container *container);

/* The daemon's wall clock now, as far as it is known here. */
int64_t container_follow_wall_ns(const struct docker_engine *docker);

#endif

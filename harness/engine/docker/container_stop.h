/*
 * container_stop - the way down of a container: the stop call, and when all of it is over.
 *
 * Over is: the daemon has answered, PID 1 is gone, the log has ended, and the events
 * that tell of the stop have come. A daemon that does not get there in time is stuck.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_STOP_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_STOP_H

#include "harness/engine/docker/container.h"

/* As subject_stop(). */
bool container_stop(struct subject *subject, struct err *err) MUST_CHECK;

/* Asks the daemon to answer when it knows that the container has ended. */
bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err) MUST_CHECK;

/* Something that it waits for has happened. */
void container_stop_settle(struct container *container);

/* Would an event that is missing by now have come? */
bool container_stop_heard_all(const struct container *container);

#endif

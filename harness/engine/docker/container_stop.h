/*
 * container_stop - the stop call of a container, and when the stop is over.
 *
 * It is over when the daemon has answered, PID 1 has ended, the log is complete and the
 * events of the stop have arrived. A daemon that takes longer than the grace period and
 * 50 s is stuck.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_STOP_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_STOP_H

#include "harness/engine/docker/container.h"

/* The timer of a stop, for container->patience; the caller's. */
struct loop_timer *container_stop_timer(struct container *container);

/* As subject_stop(). */
bool container_stop(struct subject *subject, struct err *err) MUST_CHECK;

/* Asks the daemon to answer when it knows that the container has ended. */
bool container_await_end(
	struct container *container, fetch_done_fn *done, struct err *err) MUST_CHECK;

/* To be called when one of these has happened. */
void container_stop_settle(struct container *container);

/* True: no event of the stop is still to come. */
bool container_stop_has_all_events(const struct container *container);

#endif

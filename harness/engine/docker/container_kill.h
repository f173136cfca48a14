/*
 * container_kill - a stop by another signal than the container's own, as
 * `docker stop -s SIGNAL` does it.
 *
 * From API 1.42 on /stop takes the signal. An older daemon is asked in steps: /kill with
 * the signal; when the grace is over, /kill with SIGKILL; when PID 1 has ended, /stop,
 * which finds nothing to end but tells the daemon that a restart policy must not start
 * the container again. (/kill alone does so only for the container's own signal.) On a
 * daemon of another machine the end is known too late for that: a policy "always" may
 * start it once more before it is stopped.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_KILL_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_KILL_H

#include "harness/engine/docker/container.h"

/* Begins the stop with container->stop_signal. */
bool container_kill_begin(struct container *container, struct err *err) MUST_CHECK;
/* PID 1 has ended: the last step, where this stop goes by steps. */
void container_kill_over(struct container *container);
void container_kill_release(struct container *container);

#endif

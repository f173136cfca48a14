/*
 * container - one subject of the Docker engine, from create to remove.
 *
 * Its events are subscribed to before it is started; its log is read from the
 * beginning; an eye is opened on its PID 1 where that is a process of our kernel.
 */
#ifndef HARNESS_ENGINE_DOCKER_CONTAINER_H
#define HARNESS_ENGINE_DOCKER_CONTAINER_H

#include "harness/engine/docker/docker.h"

/* As in engine.h; image is never NULL. */
struct subject *container_up(struct docker_engine *docker, const struct unit *unit,
	const char *image, struct err *err) MUST_CHECK;
bool container_stop(struct subject *subject, struct err *err);
bool container_inspect(struct subject *subject, struct err *err);
cJSON *container_events(const struct subject *subject);
void container_down(struct subject *subject);
void container_keep(struct subject *subject);

#endif

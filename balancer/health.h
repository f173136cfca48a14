/*
 * health - the health check of one backend: a GET over a new connection, each interval.
 *
 * At first the backend's health is not known. After one 200 it is healthy, after `fails`
 * other ends of a check in a row it is not.
 */
#ifndef BALANCER_HEALTH_H
#define BALANCER_HEALTH_H

#include <stdbool.h>
#include <uv.h>

#include "balancer/config.h"
#include "lib/err.h"

struct health;

/* The health has changed, or is known now. From the loop. */
typedef void health_fn(void *arg, bool is_healthy);

/* Keeps loop and config, which has a health path. Asks at once. */
struct health *health_create(uv_loop_t *loop, const struct balancer_config *config,
	const char *address, health_fn *changed, void *arg, struct err *err) MUST_CHECK;
void health_destroy(struct health *health); /* accepts NULL */

bool health_is_known(const struct health *health);

#endif

/*
 * swarm_watch - asks the manager for the tasks of the service, again and again, since Swarm
 * has no events of them.
 *
 * A round is the tasks and the service, and once a second the nodes: one call at a time.
 * Rounds come every 100 ms while something changes, else once a second; on a large swarm
 * no more often than leaves the manager most of its time. A call that fails is told in
 * `unobserved` of the cluster, and the next round comes later and later.
 *
 * Measured with Docker 20.10 and four tasks: ten rounds a second cost the manager's daemon
 * 2 % of a core. A task is seen to be unwanted 1.1 s before its stop signal, 3.1 s where it
 * is on an overlay network.
 */
#ifndef HARNESS_CLUSTER_SWARM_SWARM_WATCH_H
#define HARNESS_CLUSTER_SWARM_SWARM_WATCH_H

#include "harness/cluster/swarm/swarm.h"
#include "harness/cluster/swarm/swarm_service.h"

/* Keeps swarm, whose service is known. The first round begins in the next turn of the
 * loop. */
struct swarm_watch *swarm_watch_create(struct swarm *swarm);
void swarm_watch_destroy(struct swarm_watch *watch); /* accepts NULL */

/* An action was taken: rounds come fast from now on. */
void swarm_watch_hurry(struct swarm_watch *watch);

/* When the last round began that was answered whole, CLOCK_MONOTONIC ns; 0: none was. */
int64_t swarm_watch_seen_ns(const struct swarm_watch *watch);
/* As of that round. */
enum swarm_update swarm_watch_update(const struct swarm_watch *watch);

#endif

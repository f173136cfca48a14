/*
 * swarm_scene - a real swarm for tests: the one of STOPBENCH_SWARM, the folder that
 * test/support/swarm-up was given. Without that variable tests are skipped.
 *
 * A scene has a service of its own and its own run; its end removes both.
 */
#ifndef HARNESS_CLUSTER_TEST_SWARM_SCENE_H
#define HARNESS_CLUSTER_TEST_SWARM_SCENE_H

#include <stdbool.h>
#include <uv.h>

#include "harness/cluster/cluster.h"

struct swarm_scene {
	uv_loop_t loop;
	struct cluster *cluster;
	char *run_id, *service;
	unsigned changes;     /* calls of `changed` */
	unsigned least_ready; /* that it ever saw; UINT_MAX: nothing yet */
};

/* For cmocka; *state is the scene, NULL: there is no rig. */
int swarm_scene_open(void **state);
int swarm_scene_close(void **state);
/* Skips the test without a rig. */
struct swarm_scene *swarm_scene_of(void **state);

/* "unix://DIR/n1/docker.sock"; the caller's. */
char *swarm_scene_manager(void);
/* Runs test/support/NAME DIR NODE to its end; fails the test when that fails. */
void swarm_scene_run(const char *name, const char *node);

/* Our service with four replicas, host ports and what change says, until it has settled. */
struct cluster_spec swarm_scene_spec(const struct swarm_scene *scene);
void swarm_scene_deploy(struct swarm_scene *scene, const struct cluster_spec *spec);

/* Turns the loop until the condition holds, within a minute and a half. */
#define SWARM_UNTIL(scene, condition)                                                  \
	do {                                                                           \
		const int64_t until_ns_ = clock_now() + 90 * CLOCK_S;                  \
		while (!(condition))                                                   \
			until_turn(&(scene)->loop, until_ns_, #condition);             \
	} while (0)

/* Ready tasks, on a node or (NULL) on all. */
unsigned swarm_scene_ready(const struct swarm_scene *scene, const char *node);

/* Removes what the run left; how many things. */
int swarm_scene_clean(struct swarm_scene *scene, const char *run_id);

#endif

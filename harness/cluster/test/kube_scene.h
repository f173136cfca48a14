/*
 * kube_scene - a simulated cluster (bin/kube-fake) and the harness's side of it.
 */
#ifndef HARNESS_CLUSTER_TEST_KUBE_SCENE_H
#define HARNESS_CLUSTER_TEST_KUBE_SCENE_H

#include <uv.h>

#include "harness/cluster/cluster.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"

struct kube_scene {
	uv_loop_t loop;
	struct program fake;
	char *folder;
	char *kubeconfig; /* path */
	char *address;    /* "http://127.0.0.1:41234" */
	struct cluster *cluster;
	unsigned changes;
	unsigned least_ready; /* since kube_scene_count() */
};

/* For cmocka. */
int kube_scene_setup(void **state);
int kube_scene_teardown(void **state);

/* Ends the cluster's side, if there is one, and begins one with this run's id. */
void kube_scene_open(struct kube_scene *scene, const char *run_id);
void kube_scene_close(struct kube_scene *scene);

/* A spec with two replicas, to change. */
struct cluster_spec kube_scene_spec(const char *name);
/* Deploys and waits until it has settled. */
void kube_scene_deploy(struct kube_scene *scene, const struct cluster_spec *spec);
void kube_scene_settle(struct kube_scene *scene);

/* Changes the behavior of the fake. */
void kube_scene_behave(struct kube_scene *scene, const char *json);
/* A call to its API that has to succeed; body NULL: GET. The caller's. */
cJSON *kube_scene_call(struct kube_scene *scene, const char *method, const char *path,
	const char *body);
/* How many objects a list has. */
unsigned kube_scene_count(struct kube_scene *scene, const char *path);

/* Tasks in a state. */
unsigned kube_scene_tasks(const struct kube_scene *scene, enum task_state state);

#endif

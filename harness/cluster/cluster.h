/*
 * cluster - a service with replicas on an orchestrator: Docker Swarm or Kubernetes.
 *
 * One interface over the rows of clusters.def. Nothing is scheduled here: each call
 * asks the orchestrator for one thing and turns the loop until it has answered, within
 * CLUSTER_CALL_NS; what comes of it is seen by watching the tasks. A task is one run of one
 * replica: a task of Swarm, a pod of Kubernetes. Stamps are CLOCK_MONOTONIC ns of the
 * moment at which this harness saw a change; 0 is "not yet".
 *
 * Everything that is created has the label of the run. cluster_clean() finds it by that on
 * every node that can be reached. A service that the run did not create is changed by the
 * actions that it was asked for, and by nothing else.
 */
#ifndef HARNESS_CLUSTER_CLUSTER_H
#define HARNESS_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

#define CLUSTER_CALL_NS (INT64_C(30) * 1000000000)

struct cluster;

struct cluster_node {
	char *id; /* does not change, nor do name and address, until a refresh; the rest is
		   * kept true while tasks are watched */
	char *name;    /* its hostname */
	char *address; /* "10.99.2.2": where its host ports are reached */
	bool manager;  /* it decides; of Kubernetes: a control plane node */
	bool ready;    /* the orchestrator hears of it */
	bool active;   /* it takes tasks: neither drained nor cordoned */
};

enum task_state {
	TASK_PENDING, /* no process yet: new, assigned, preparing, starting */
	TASK_RUNNING, /* its process runs */
	TASK_ENDED, /* complete, failed, shut down, rejected: exit_code may be known; or
		       * its node has died, and nothing is */
	TASK_GONE,  /* the orchestrator does not list it any more */
};

extern const char *const task_state_names[]; /* NULL-terminated */

struct cluster_task {
	char *id;
	char *name;      /* "shop.2", or the pod's */
	char *node;      /* name of its node; NULL: none yet */
	char *container; /* its whole id on the node; NULL: none yet */
	char *address; /* "10.99.2.2:30001", as a balancer reaches it; NULL: none yet */
	enum task_state state;
	bool wanted; /* the orchestrator wants it to run; false: it is to be stopped */
	bool ready;  /* wanted, running, and healthy or ready if it has such a check */
	int exit_code; /* as the orchestrator reports it; -1: not known */
	char *message; /* its words for a failure: "task: non-zero exit (1)"; NULL: none */
	/* It ended because its node is not heard of any more: what became of it there is
	 * not known to the orchestrator. Once true it stays so. */
	bool lost;
	bool listed; /* for task_list.c: in the report that is being read */
	/* When this harness saw it. */
	int64_t created_ns, running_ns, unwanted_ns, ended_ns;
	/* When it was last seen to come into its service's endpoints, and to leave them;
	 * 0: it was not, or the orchestrator, as Swarm does, does not tell. */
	int64_t routed_ns, unrouted_ns;
	/* The orchestrator's own time of the end in wall-clock ns, known to +- error;
	 * 0: it reports none. */
	int64_t ended_wall_ns, ended_error_ns;
};

enum update_order {
	UPDATE_STOP_FIRST,
	UPDATE_START_FIRST,
};

extern const char *const update_order_names[]; /* NULL-terminated */

enum publish_mode {
	PUBLISH_HOST, /* a port of the task's node for each task, chosen by the engine */
	PUBLISH_MESH, /* one port on every node, through the orchestrator's balancer */
};

extern const char *const publish_mode_names[]; /* NULL-terminated */

/* A service to create. All borrowed. */
struct cluster_spec {
	const char *name;
	const char *image;             /* it is on every node: none is pulled */
	const char *const *entrypoint; /* NULL: the image's own; NULL-terminated */
	const char *const *command;    /* likewise */
	const char *const *env;        /* "NAME=value", NULL-terminated */
	const char *stop_signal;       /* NULL: the image's own */
	int64_t grace_ns;
	unsigned replicas;
	enum update_order order;
	unsigned parallelism; /* tasks that are replaced side by side */
	int64_t delay_ns;     /* between two batches */
	unsigned port;        /* in the container; 0: none is published */
	enum publish_mode publish;
	bool overlay; /* attached to an overlay network of its own: Swarm waits 2 s there
		       * between the balancer and the stop signal */
	/* "/ready": the orchestrator asks for it and sends traffic after its 200; NULL:
	 * none. Kubernetes: the readiness probe. Swarm has no HTTP check: not used. */
	const char *ready_path;
};

struct cluster_options {
	const char *run_id;      /* label of all that is created */
	const char *address;     /* of the manager or API; NULL: by the environment */
	const bool *interrupted; /* true: waits end with an error; may be NULL */
};

/* Tasks, nodes or `unobserved` have changed. From the loop, also while a call turns it. */
typedef void cluster_changed_fn(void *arg);

/* Called with a line for each thing that was removed. Borrowed. */
typedef void cluster_said_fn(void *arg, const char *line);

/* Is the run over? Then nothing uses what it created. */
typedef bool cluster_is_over_fn(const char *run_id);

/* What an orchestrator implements; only this folder calls it. */
struct cluster_ops {
	void (*destroy)(struct cluster *cluster);
	void (*fingerprint)(struct cluster *cluster, cJSON *json);
	bool (*nodes)(struct cluster *cluster, struct err *err);
	bool (*deploy)(struct cluster *cluster, const struct cluster_spec *spec,
		struct err *err);
	bool (*find)(struct cluster *cluster, const char *name, struct err *err);
	bool (*watch)(struct cluster *cluster, struct err *err);
	bool (*update)(struct cluster *cluster, struct err *err);
	bool (*scale)(struct cluster *cluster, unsigned replicas, struct err *err);
	bool (*drain)(struct cluster *cluster, const char *node, struct err *err);
	bool (*activate)(struct cluster *cluster, const char *node, struct err *err);
	bool (*remove)(struct cluster *cluster, struct err *err);
	bool (*has_settled)(const struct cluster *cluster);
	int (*clean)(struct cluster *cluster, cluster_is_over_fn *is_over,
		cluster_said_fn *said, void *arg, struct err *err);
};

/* Read only outside this folder; an orchestrator embeds it as its first member. */
struct cluster {
	const char *kind; /* "swarm" */
	const struct cluster_ops *ops;
	uv_loop_t *loop;
	struct cluster_options options;
	struct cluster_node *nodes;
	unsigned node_count;
	/* Of the service, in the order in which they were first seen; those that are over
	 * stay. A task's index never changes. */
	struct cluster_task *tasks;
	unsigned task_count;
	unsigned replicas; /* that are wanted now */
	int64_t grace_ns;  /* of the service */
	char *stop_signal; /* NULL: the image's own */
	char *service;     /* its name; NULL: neither deployed nor found */
	bool ours;         /* this run deployed it */
	cJSON *settings;   /* of one that was found: "Spec" of Swarm; NULL: not known */
	char unobserved[256]; /* why tasks cannot be watched now; "": they are */
	/* Why the last action will not be done to its end, in the orchestrator's words:
	 * "update paused due to failure ..."; "": nothing is known against it. */
	char gave_up[256];
	cluster_changed_fn *changed; /* NULL: nobody listens */
	void *arg;
};

/* swarm_open() and so on: NULL with err where the orchestrator cannot be had. */
#define CLUSTER(name)                                                                  \
	struct cluster *name##_open(uv_loop_t *loop,                                   \
		const struct cluster_options *options, struct err *err) MUST_CHECK;
#include "harness/scenario/clusters.def"
#undef CLUSTER

extern const char *const cluster_kinds[]; /* "swarm", ...; NULL-terminated */

/* Of clusters.def; NULL or "auto": the first of them that can be had. The nodes are known.
 * Keeps loop and options' pointers. */
struct cluster *cluster_create(uv_loop_t *loop, const char *name,
	const struct cluster_options *options, struct err *err) MUST_CHECK;
void cluster_destroy(struct cluster *cluster); /* accepts NULL; removes nothing */

/* Kind, version, the number of nodes and so on; the caller's. */
cJSON *cluster_fingerprint(struct cluster *cluster) MUST_CHECK;

/* Asks for the nodes once more. */
bool cluster_refresh_nodes(struct cluster *cluster, struct err *err) MUST_CHECK;
/* By name or id; NULL: there is none. Borrowed until the next refresh. */
const struct cluster_node *cluster_node(
	const struct cluster *cluster, const char *name);

/* Creates the service, whose tasks are watched from now on. */
bool cluster_deploy(struct cluster *cluster, const struct cluster_spec *spec,
	cluster_changed_fn *changed, void *arg, struct err *err) MUST_CHECK;
/* Takes a service that exists, whose tasks are watched from now on. Kubernetes:
 * "NAMESPACE/KIND/NAME", shorter forms as kubectl has them. */
bool cluster_find(struct cluster *cluster, const char *name,
	cluster_changed_fn *changed, void *arg, struct err *err) MUST_CHECK;

/* Nobody is told of changes any more. */
void cluster_ignore(struct cluster *cluster);

/* The actions. Each returns when the orchestrator has taken the order. */
bool cluster_update(struct cluster *cluster, struct err *err) MUST_CHECK; /* rolling */
bool cluster_scale(
	struct cluster *cluster, unsigned replicas, struct err *err) MUST_CHECK;
bool cluster_drain(
	struct cluster *cluster, const char *node, struct err *err) MUST_CHECK;
/* Also when interrupted, as cluster_clean(): it undoes a drain. */
bool cluster_activate(
	struct cluster *cluster, const char *node, struct err *err) MUST_CHECK;
bool cluster_remove(struct cluster *cluster, struct err *err) MUST_CHECK;

/* Since the last action: the orchestrator says it is done, as many tasks run and are ready
 * as are wanted, none of them on a node that is drained or not heard of, and all others
 * have ended. A node that has died counts from when the orchestrator misses it: watch its
 * `ready` first. */
bool cluster_has_settled(const struct cluster *cluster);

/* NULL: none has this id. Borrowed until the tasks change. */
const struct cluster_task *cluster_task_of_container(
	const struct cluster *cluster, const char *container);

/* For the orchestrators of this folder: what struct cluster holds is let go. */
void cluster_forget_nodes(struct cluster *cluster);
void cluster_done(struct cluster *cluster);

/* Why tasks do not run, in the orchestrator's words: of the last one that has any, or why
 * they cannot be watched; NULL: it says nothing. Borrowed until the tasks change. */
const char *cluster_message(const struct cluster *cluster);

/* Removes what has the label of a run for which is_over() is true; nothing else. Gives
 * how many things, -1 with err. */
int cluster_clean(struct cluster *cluster, cluster_is_over_fn *is_over,
	cluster_said_fn *said, void *arg, struct err *err);

#endif

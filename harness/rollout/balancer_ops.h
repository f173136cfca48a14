/*
 * balancer_ops - what each kind of balancer implements, and what they share: a child
 * whose output goes to a log in the case's folder. For balancer*.c and haproxy*.c.
 */
#ifndef HARNESS_ROLLOUT_BALANCER_OPS_H
#define HARNESS_ROLLOUT_BALANCER_OPS_H

#include "harness/rollout/balancer.h"
#include "lib/child.h"
#include "lib/lines.h"
#include "lib/strlist.h"
#include "lib/wait.h"

struct balancer_ops {
	/* Starts the program, and turns the loop until it listens: sets url. */
	bool (*up)(struct balancer *balancer, struct err *err);
	/* `wanted` has changed. */
	void (*changed)(struct balancer *balancer);
	bool (*has_settled)(const struct balancer *balancer);
	void (*line)(struct balancer *balancer, const char *line); /* may be NULL */
	void (*down)(struct balancer *balancer); /* its handles; the child is gone */
};

extern const struct balancer_ops own_balancer, haproxy_balancer;

struct balancer {
	const struct balancer_ops *ops;
	struct balancer_options options;
	char *url;
	struct strlist wanted; /* the backends of the last balancer_set() */
	void *own;             /* of the kind */

	/* The rest is for balancer.c. */
	struct reaper *reaper;
	struct child *child;
	bool exited;
	int log;         /* descriptor, or -1 */
	struct buf said; /* the beginning of its output */
	struct lines lines;
};

/* Starts argv. */
bool balancer_spawn(
	struct balancer *balancer, const char *const *argv, struct err *err) MUST_CHECK;

/* Turns the loop until is_up(balancer) or the child has ended, which is an error that has
 * its words. */
bool balancer_await(
	struct balancer *balancer, wait_fn *is_up, struct err *err) MUST_CHECK;

bool balancer_wants(const struct balancer *balancer, const char *address);

#endif

/*
 * witnesses - those of all nodes of a cluster that can be watched: the ones that are named,
 * and one that is spawned here for the daemon that the harness talks to, where that runs
 * on this kernel.
 */
#ifndef HARNESS_ROLLOUT_WITNESSES_H
#define HARNESS_ROLLOUT_WITNESSES_H

#include "harness/cluster/cluster.h"
#include "harness/rollout/witness.h"

struct witnesses;

struct witnesses_options {
	uv_loop_t *loop;
	const struct cluster *cluster;
	const char *service; /* its containers are watched */
	/* As witness_address.h has them: NULL-terminated, or NULL. */
	const char *const *addresses;
	const char
		*folder; /* for the sockets of those that are spawned; NULL: TMPDIR */
	const bool *interrupted;
};

/* Keeps options' pointers. One that is named and cannot be had is an error. Turns the
 * loop. */
struct witnesses *witnesses_open(const struct witnesses_options *options,
	witness_stop_fn *stopped, void *arg, struct err *err) MUST_CHECK;
void witnesses_close(struct witnesses *witnesses); /* accepts NULL */

/* Is the stop of this container still to come from one of them? NULL: there are none. */
bool witnesses_expect(const struct witnesses *witnesses, const char *container);

/* Is the node watched, and why not any more? NULL: nothing happened to its witness.
 * Borrowed. */
bool witnesses_have(const struct witnesses *witnesses, const char *node);
const char *witnesses_trouble(const struct witnesses *witnesses, const char *node);

#endif

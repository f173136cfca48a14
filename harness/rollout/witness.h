/*
 * witness - the harness's side of `stopbench witness`, which watches the containers of one
 * node and tells how each stops: an HTTP client of harness/witness/.
 *
 * One witness is spawned by the harness itself for the node that it runs on; the others
 * are named by --witness ADDRESS.
 */
#ifndef HARNESS_ROLLOUT_WITNESS_H
#define HARNESS_ROLLOUT_WITNESS_H

#include <stdbool.h>
#include <uv.h>

#include "harness/rollout/task_stop.h"
#include "lib/err.h"

struct witness;

struct witness_options {
	uv_loop_t *loop;
	/* "unix:///run/stopbench.sock", "https://10.99.2.2:7443", or "unix:///.../docker.sock"
	 * of a daemon of this very kernel with `daemon` true: then a witness is spawned here
	 * for it. */
	const char *address;
	bool daemon;
	/* Containers that have it: "com.docker.swarm.service.name=web". NULL: all. */
	const char *label;
	/* Folder with ca.pem, cert.pem, key.pem, of https. NULL: DOCKER_CERT_PATH. */
	const char *tls;
	const char *programs; /* folder of our programs; NULL: this one's */
	const char *folder; /* where one that is spawned has its socket; NULL: TMPDIR */
	const bool *interrupted;
};

/* A stop is over, and judged. Takes what stop holds. From the loop; the witness is not closed
 * from here. */
typedef void witness_stop_fn(void *arg, struct task_stop *stop);

/* Gives a witness that watches: the containers that run already are attached to. Keeps
 * options' pointers. Turns the loop. */
struct witness *witness_open(const struct witness_options *options,
	witness_stop_fn *stopped, void *arg, struct err *err) MUST_CHECK;
void witness_close(struct witness *witness); /* accepts NULL */

/* The node's name, as its engine reports it ("Name" of /info). Borrowed. */
const char *witness_node(const struct witness *witness);
/* Is this container watched, by its whole id? */
bool witness_watches(const struct witness *witness, const char *container);
/* Why the connection to it broke; NULL: it did not. Borrowed. */
const char *witness_trouble(const struct witness *witness);

#endif

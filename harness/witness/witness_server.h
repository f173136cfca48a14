/*
 * witness_server - what a witness tells, over HTTP: at a unix socket of its own user, or
 * over mutual TLS.
 *
 *   GET /v1/node   {"name", "engine", "kernel", "boot_id", "instance", "clock_ns",
 *                  "watching", "seq", "not_seen"}
 *   GET /v1/stops?label=NAME%3DVALUE&since=SEQ
 *                  a line of JSON for each: {"watching": watched_stop_json()} of all that are
 *                  watched, {"stop": watched_stop_report_json() and "seq"} of those after SEQ
 *                  that are kept (stop_ring.h), {"heartbeat": {"clock_ns", "watching", "seq"}}, then
 *                  each of them as it comes, a heartbeat every 5 s at least. {"lost": {"from",
 *                  "to"}}: stops with these numbers are not kept any more. {"missed":
 *                  {"container", "name", "exit_code"}}: it had ended before it was watched.
 *
 * clock_ns is CLOCK_MONOTONIC now, the clock of all stamps. Numbers belong to an instance,
 * the process. A reader that does not read is let go of; it never holds up another one.
 */
#ifndef HARNESS_WITNESS_WITNESS_SERVER_H
#define HARNESS_WITNESS_WITNESS_SERVER_H

#include <uv.h>

#include "harness/witness/watch.h"
#include "lib/err.h"

#define WITNESS_READERS_MAX  64
#define WITNESS_HEARTBEAT_NS (INT64_C(5) * 1000000000)

struct witness_server;

struct witness_server_options {
	uv_loop_t *loop;
	const char
		*address;   /* "unix:///run/stopbench.sock", "https://10.99.2.2:7443" */
	const char *tls;    /* folder with ca.pem, cert.pem, key.pem: of https */
	const char *node;   /* its name */
	const char *engine; /* "docker 20.10.24" */
	const char *not_seen; /* what cannot be observed here; "": nothing */
	const struct watch *watch;
};

/* Keeps what options point to. */
struct witness_server *witness_server_create(
	const struct witness_server_options *options, struct err *err) MUST_CHECK;
void witness_server_destroy(struct witness_server *server); /* accepts NULL */

/* Where it listens, with its port: the caller's. */
char *witness_server_address(const struct witness_server *server);

/* To every reader whose label the container has. */
void witness_server_tell_watching(
	struct witness_server *server, const struct watched_stop *watched);
void witness_server_tell_stop(
	struct witness_server *server, const struct watched_stop *watched);
void witness_server_tell_missed(struct witness_server *server, const char *id,
	const struct subject_about *about);

#endif

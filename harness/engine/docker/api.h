/*
 * docker_api - calls to a Docker daemon: HTTP over its socket, JSON in and out.
 *
 * The daemon is where DOCKER_HOST says (unix:// or tcp://), else at
 * /var/run/docker.sock. Paths are those of its API, without the version, which is the
 * one that we were written for wherever the daemon still (or already) speaks it.
 * Podman's compatible socket is answered for, too.
 */
#ifndef HARNESS_ENGINE_DOCKER_API_H
#define HARNESS_ENGINE_DOCKER_API_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "lib/fetch.h"

struct docker_api;

/* Finds the daemon and asks for its version; err says how it was looked for. Keeps loop
 * and interrupted. */
struct docker_api *docker_api_open(
	uv_loop_t *loop, const bool *interrupted, struct err *err) MUST_CHECK;
void docker_api_close(struct docker_api *api); /* accepts NULL */

/* What /version answered. Borrowed. */
const cJSON *docker_api_about(const struct docker_api *api);
const char *docker_api_version(const struct docker_api *api); /* "1.41" */
bool docker_api_is_podman(const struct docker_api *api);
/* "unix:///var/run/docker.sock". Borrowed. */
const char *docker_api_address(const struct docker_api *api);
/* The host of a tcp:// address, NULL for a unix socket. Borrowed. */
const char *docker_api_host(const struct docker_api *api);
uv_loop_t *docker_api_loop(const struct docker_api *api);

/* One call that is waited for. */
struct docker_call {
	const char *method; /* NULL: GET */
	const char *path;   /* "/containers/json?all=1" */
	const cJSON *json;  /* the body, or NULL */
	const char *upload; /* path of a tar file to send as the body, or NULL */
	int64_t within_ns;  /* 0: DOCKER_API_NS */
	bool stubborn;      /* goes on when interrupted: cleaning up */
};

#define DOCKER_API_NS (INT64_C(30) * 1000000000)

struct docker_answer {
	long status; /* 0: none */
	cJSON *json; /* NULL when there is none; the caller's, docker_answer_done() */
};

/* False with the daemon's own words when it did not answer with success (2xx, or 304:
 * it is so already); answer->status is filled anyway. Turns the loop. */
bool docker_api_call(struct docker_api *api, const struct docker_call *call,
	struct docker_answer *answer, struct err *err) MUST_CHECK;
void docker_answer_done(struct docker_answer *answer);

/* A call that goes on by itself: a stream, or an answer that takes its time. Its
 * callbacks are those of lib/fetch. timeout_ns 0: none. */
struct fetch_call *docker_api_begin(struct docker_api *api,
	const struct fetch_request *request, const char *path,
	struct err *err) MUST_CHECK;

/* Why such a call failed, in the daemon's words, into err; gives false. True when it
 * did not fail. */
bool docker_api_went_well(const struct fetch_result *result, struct err *err);

/* For a query: percent-encoded. The caller's. */
char *docker_api_escape(const char *text);
char *docker_api_escape_json(const cJSON *json);

#endif

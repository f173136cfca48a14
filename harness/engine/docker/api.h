/*
 * docker_api - calls to a Docker daemon: HTTP over its socket, JSON in and out.
 *
 * The daemon is at DOCKER_HOST (unix:// or tcp://), else at /var/run/docker.sock. Paths
 * are those of the Engine API without the version: version 1.41, or the nearest one
 * that the daemon speaks. Podman's compatible socket works as well.
 */
#ifndef HARNESS_ENGINE_DOCKER_API_H
#define HARNESS_ENGINE_DOCKER_API_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "lib/fetch.h"

/* Read only outside api.c. */
struct docker_api {
	uv_loop_t *loop;
	const bool *interrupted;
	struct fetch *fetch;
	char *address; /* "unix:///var/run/docker.sock" */
	const char *
		said_by; /* "DOCKER_HOST=" in front of its address; "": not from there */
	char *socket;    /* NULL: tcp */
	char *host;      /* of a tcp:// address; NULL: a unix socket */
	char *base;      /* "http://docker" or "http://10.0.0.5:2375" */
	char *version;   /* of the API: "1.41" */
	cJSON *about;    /* the answer to /version */
	/* The version to ask in for a /stop with a signal, which came with 1.42; NULL: the
	 * daemon does not speak it. */
	const char *version_with_stop_signal;
	bool is_podman;
};

/* Finds the daemon and asks for its version; err says where it was looked for. address:
 * "unix:///PATH" or "tcp://HOST:PORT", borrowed; NULL: DOCKER_HOST or the default. Keeps
 * loop and interrupted. */
struct docker_api *docker_api_open(uv_loop_t *loop, const char *address,
	const bool *interrupted, struct err *err) MUST_CHECK;
void docker_api_close(struct docker_api *api); /* accepts NULL */

/* One call that is waited for. All borrowed for the call. */
struct docker_call {
	const char *method; /* NULL: GET */
	const char *path;   /* "/containers/json?all=1" */
	const cJSON *json;  /* the body, or NULL */
	const char *upload; /* path of a tar file to send as the body, or NULL */
	int64_t within_ns;  /* 0: DOCKER_API_NS */
	bool stubborn;      /* goes on when interrupted: for cleaning up */
	cJSON **answer; /* gives the caller the body of a success; NULL: not needed */
	char **text; /* the same as it came, with all digits of numbers; NULL: not needed */
	long *status; /* written always, 0: no answer; NULL: not needed */
};

#define DOCKER_API_NS (INT64_C(30) * 1000000000)

/* False with the daemon's own words when it did not answer with success (2xx, or 304:
 * nothing to do). Turns the loop. */
bool docker_api_call(struct docker_api *api, const struct docker_call *call,
	struct err *err) MUST_CHECK;

/* A call that goes on when interrupted, and whose failure is left to engine_clean(),
 * which finds the run's label. */
void docker_api_try(struct docker_api *api, const char *method, const char *path, ...)
	PRINTF(3, 4);

/* A call that is not waited for: a stream, or a late answer. The callbacks are those of
 * lib/fetch. timeout_ns 0: none. A path that begins with "/v1." names its version. */
struct fetch_call *docker_api_begin(struct docker_api *api,
	const struct fetch_request *request, const char *path,
	struct err *err) MUST_CHECK;

/* False with the daemon's words when such a call failed. */
bool docker_api_went_well(const struct fetch_result *result, struct err *err);

/* "1795389282.543210987" of ns since 1970, as queries have times; the caller's. */
char *docker_api_time(int64_t wall_ns);

/* Percent-encoded for a query; the caller's. */
char *docker_api_escape(const char *text);

#endif

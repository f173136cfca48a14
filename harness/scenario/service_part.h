/*
 * service_part - "service" of a scenario: what is stopped.
 */
#ifndef HARNESS_SCENARIO_SERVICE_PART_H
#define HARNESS_SCENARIO_SERVICE_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/scenario/container_options.h"
#include "lib/fields.h"
#include "lib/strlist.h"

enum ready_kind {
	READY_DEFAULT, /* HTTP /ready for our service, TCP when there is a port */
	READY_HTTP,    /* {"http": "/path"}: answers 2xx */
	READY_TCP,     /* {"tcp": 8080}: accepts a connection */
	READY_LOG,     /* {"log": "text"}: prints a line that contains the text */
	READY_SIGNAL,  /* {"signal": true}: PID 1 catches, blocks or waits for it */
	READY_HEALTHY, /* {"healthy": true}: the engine's health check says so */
};

struct ready {
	enum ready_kind kind;
	char *text;        /* path, or text of the log line */
	int64_t port;      /* of READY_TCP; 0: service.port */
	int64_t within_ns; /* "within": bound of the wait; default 20s */
};

/* How a session is opened from outside; the defaults fit our service. In path and
 * body, {n} is the session's number from 1, {room} the same, {bot} its bot. */
struct session_request {
	char *path;     /* "/webhook/{bot}" */
	char *body;     /* the JSON text sent */
	int64_t status; /* what a good answer has: 200 */
	struct strlist bots;
	int64_t within_ns; /* bound of the wait for the answer: 60s */
};

enum topology {
	TOPOLOGY_HOST, /* only the service is a container, on the host's network */
	TOPOLOGY_CONTAINERS, /* service and mock-agent are, on a network of their own */
};

struct service_part {
	char *image;               /* NULL: our own, which has all our programs */
	struct strlist entrypoint; /* docker run --entrypoint; empty: the image's own */
	struct strlist command; /* docker run IMAGE COMMAND; empty: the image's own */
	struct strlist env;     /* "NAME=value" each */
	struct strlist secrets; /* names in env whose values no report shows */
	int64_t port;           /* 0: our service chooses one and logs it */
	struct ready ready;
	struct session_request session;
	bool init;         /* tini in front, as docker run --init */
	char *stop_signal; /* "SIGQUIT"; NULL: the image's, else SIGTERM */
	int topology;      /* enum topology */
	struct container_options container;
	bool mocks; /* false: no mock agent API, see scenario_has_mocks() */
};

extern const struct field service_fields[];

/* Of a char * in a table of fields: a text as it is, or any other JSON as text. */
extern const struct field_type body_type;
/* Of a struct strlist: a list of strings with placeholders (placeholders.h). */
extern const struct field_type command_type;

#endif

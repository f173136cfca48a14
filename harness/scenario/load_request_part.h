/*
 * load_request_part - "load.request" of a scenario: HTTP requests to any service.
 *
 * Each of `concurrency` clients sends one request after the other until the stop, and
 * has one under way when the stop comes. In path, headers and body, {n} is the client's
 * number from 1.
 */
#ifndef HARNESS_SCENARIO_LOAD_REQUEST_PART_H
#define HARNESS_SCENARIO_LOAD_REQUEST_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"
#include "lib/strlist.h"

/* Over which connections the clients send. */
enum load_connections {
	LOAD_CONNECTIONS_AUTO,   /* "auto": new ones; of a rollout, both */
	LOAD_CONNECTIONS_NEW,    /* "new": one for each request */
	LOAD_CONNECTIONS_REUSED, /* "reused": one that is kept open */
	LOAD_CONNECTIONS_BOTH,   /* "both": half of the clients each */
};

struct load_request_part {
	char *path;             /* "/report"; NULL: there are no such requests */
	char *method;           /* NULL: GET, or POST with a body */
	struct strlist headers; /* "Name=value" each */
	char *body;             /* NULL: none */
	int64_t status;         /* of a good answer; 0: any 2xx */
	char *contains; /* a whole answer has this text; NULL: any answer is whole */
	bool stream; /* under way once the answer has begun, not when it is asked for */
	int64_t concurrency; /* clients */
	int connections;     /* enum load_connections */
	int64_t pause_ns;    /* of a client, between an answer and its next request */
	int64_t within_ns;   /* bound of the wait for a whole answer */
};

extern const struct field load_request_fields[];

/* Does client `number`, from 1, keep its connection open? Of "both" those of an even
 * number do. */
bool load_request_reuses(const struct load_request_part *part, unsigned number);

/* Gives the caller a text of the part with each {n} replaced; NULL stays NULL. */
char *load_request_fill(const char *text, unsigned number) MUST_CHECK;
/* Adds the headers, "Name: value" each, filled likewise. */
void load_request_fill_headers(
	const struct load_request_part *part, unsigned number, struct strlist *headers);

#endif

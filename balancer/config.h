/*
 * config - what a balancer is told on its command line.
 */
#ifndef BALANCER_CONFIG_H
#define BALANCER_CONFIG_H

#include <stdint.h>

#include "lib/fields.h"

struct balancer_config {
	char *host; /* to listen at */
	int64_t port;
	char *control;     /* path of the unix socket of /control; NULL: none */
	char *backends;    /* "10.0.0.2:80,10.0.0.3:80"; NULL: none at first */
	int64_t lag_ns;    /* of a backend that is taken out */
	char *health_path; /* NULL: backends are not asked */
	int64_t health_interval_ns;
	int64_t fails;
	int64_t retries;
	int64_t idle_s;     /* a connection to a backend is used again for so long */
	int64_t timeout_ns; /* for a whole answer of a backend; 0: none */
};

extern const struct field balancer_settings[];

#endif

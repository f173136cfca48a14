/*
 * stop_service - `stopbench stop --service`: its options, and what it does.
 */
#ifndef HARNESS_COMMAND_STOP_SERVICE_H
#define HARNESS_COMMAND_STOP_SERVICE_H

#include <argp.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/strlist.h"
#include "lib/terminal.h"

struct stop_service {
	const char *service; /* NULL: containers are named */
	const char *engine;  /* NULL: the first orchestrator that is there */
	bool rolling;
	struct strlist witnesses;
};

enum {
	STOP_SERVICE_KEY_SERVICE = 512,
	STOP_SERVICE_KEY_ROLLING,
	STOP_SERVICE_KEY_WITNESS,
};

/* Rows of an argp table, and what reads them and the orchestrators of --engine, which is a
 * row of TARGETS_OPTIONS: ARGP_ERR_UNKNOWN for all others. */
#define STOP_SERVICE_OPTIONS                                                            \
	{"service", STOP_SERVICE_KEY_SERVICE, "NAME", 0,                                \
		"a service of Docker Swarm or Kubernetes (NAMESPACE/KIND/NAME): it is " \
		"scaled to zero, and the last line says how it is brought back",        \
		1},                                                                     \
		{"rolling", STOP_SERVICE_KEY_ROLLING, NULL, 0,                          \
			"of a service: replace its tasks, in the way that it is "       \
			"configured for, which keeps it served",                        \
			1},                                                             \
	{                                                                               \
		"witness", STOP_SERVICE_KEY_WITNESS, "ADDRESS", 0,                      \
			"of a service: a witness on one of its nodes, "                 \
			"https://ADDRESS:PORT or unix:///PATH, or docker: and the "     \
			"address of a daemon on this kernel; repeated",                 \
			1                                                               \
	}
error_t stop_service_parse_option(struct stop_service *service, int key, char *value);

/* Gives an exit code. Turns the loop. */
int stop_service_run(const struct stop_service *service, uv_loop_t *loop,
	const bool *interrupted, bool json, const struct terminal *terminal);

void stop_service_done(struct stop_service *service);

#endif

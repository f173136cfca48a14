/*
 * targets - the running containers and processes that a command line names:
 * CONTAINER..., --compose FILE [SERVICE...], --pid PID.
 *
 * They are opened with the loop on which their engines run, and attached to one by one:
 * nothing of them is changed by that. `stop` and `check` share it.
 */
#ifndef HARNESS_TARGET_TARGETS_H
#define HARNESS_TARGET_TARGETS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "harness/target/compose_project.h"

struct target {
	const char *name; /* as it was named */
	bool is_pid;
	const struct compose_container *service; /* NULL: not of a compose file */

	/* Of one that was attached to. */
	struct subject *subject;
	struct scenario scenario; /* what the judge needs to know of it */
	struct evidence evidence;
};

struct targets {
	/* The options. */
	int64_t grace_ns; /* ATTACH_OWN_GRACE: their own */
	const char *signal;
	const char *engine_name; /* of the containers: "docker" */
	bool json;
	const char *compose_file; /* NULL: containers are named */
	const char **names;       /* of containers, or of services */
	const char **pids;
	unsigned name_count, pid_count;

	const char *run_id;
	struct compose_project project;
	struct target *list;
	unsigned count;
	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct engine *containers, *process; /* NULL: not needed */
};

#define TARGETS_ARGS "CONTAINER...\n--compose FILE [SERVICE...]\n--pid PID"

/* Rows of an argp table, and what reads them: ARGP_ERR_UNKNOWN for all others. */
#define TARGETS_OPTIONS                                                                  \
	{"time", 't', "SECONDS", 0,                                                      \
		"the grace: SIGKILL after so many seconds; -1: never (the default: the " \
		"container's own, else 10; cri: the pod's, else 30)",                    \
		0},                                                                      \
		{"signal", 's', "SIGNAL", 0,                                             \
			"the stop signal (the default: the container's own)", 0},        \
		{"compose", 'c', "FILE", 0,                                              \
			"the containers of this compose file, or of the services "       \
			"named, each after those that depend on it",                     \
			0},                                                              \
		{"pid", 'p', "PID", 0,                                                   \
			"a process that is in no container; SIGTERM unless --signal "    \
			"is given, and a grace of 10 s unless --time is",                \
			0},                                                              \
		{"engine", 'e', "NAME", 0,                                               \
			"whose containers they are: Docker's (the default), or those "   \
			"of a Kubernetes node's CRI runtime, each named by its id, its " \
			"name or as POD/NAME. Of a --service: swarm (the default) or "   \
			"kubernetes",                                                    \
			0},                                                              \
	{                                                                                \
		"json", 'j', NULL, 0, "print an array of JSON objects", 0                \
	}
error_t targets_parse_option(
	struct targets *targets, int key, char *value, struct argp_state *state);

/* Opens the loop. To be called before the command line is read: no list is longer than
 * it. SIGINT, SIGTERM and SIGHUP set `interrupted` from now on. */
void targets_init(struct targets *targets, int argc);

/* Opens the engines, which `run_id` names, and finds what was named. False: it says on
 * stderr why not. */
bool targets_open(struct targets *targets, const char *run_id) MUST_CHECK;
void targets_close(struct targets *targets); /* opened or not */

/* Begins to watch one, with its log as evidence. False: it says on stderr why not, as it
 * does where it is not running. */
bool targets_attach(struct targets *targets, struct target *target) MUST_CHECK;

#endif

#include "harness/scenario/balancer_part.h"

#include "lib/clock.h"

static const char *const kind_names[] = {"ours", "haproxy", "none", NULL};

const struct field balancer_fields[] = {
	{"kind", FIELD_CHOICE, offsetof(struct balancer_part, kind), .preset = "ours",
		.choices = kind_names,
		.help = "what stands in front of the tasks: our own, haproxy, or none (the "
			"published port is asked)"},
	{"lag", FIELD_DURATION, offsetof(struct balancer_part, lag_ns), .preset = "0s",
		.help = "a task that is to be stopped gets requests for so long still"},
	{"health_path", FIELD_TEXT, offsetof(struct balancer_part, health_path),
		.help = "path that each task is asked for, such as \"/ready\"; by default "
			"none is"},
	{"health_interval", FIELD_DURATION,
		offsetof(struct balancer_part, health_interval_ns), .preset = "1s",
		.min = 10 * CLOCK_MS, .max = 3600 * CLOCK_S,
		.help = "time between two such checks"},
	{"fails", FIELD_INT, offsetof(struct balancer_part, fails), .preset = "3",
		.min = 1, .max = 100,
		.help = "after so many failed checks in a row a task gets no request"},
	{"retries", FIELD_INT, offsetof(struct balancer_part, retries), .preset = "0",
		.min = 0, .max = 10,
		.help = "how often a request that no task has answered is sent to another "
			"task"},
	{0},
};

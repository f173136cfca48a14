#include "balancer/config.h"

const struct field balancer_settings[] = {
	{"HOST", FIELD_TEXT, offsetof(struct balancer_config, host), "127.0.0.1",
		.help = "address to listen at, in numbers: 127.0.0.1, 0.0.0.0, ::1"},
	{"PORT", FIELD_INT, offsetof(struct balancer_config, port), "0",
		.help = "port to listen at; 0: any free one", .max = 65535},
	{"CONTROL", FIELD_TEXT, offsetof(struct balancer_config, control), NULL,
		.help = "path of a unix socket to make, at which the backends are changed "
			"(see below); without it they stay as they are"},
	{"BACKENDS", FIELD_TEXT, offsetof(struct balancer_config, backends), NULL,
		.help = "the first backends: ADDRESS:PORT,ADDRESS:PORT"},
	{"LAG", FIELD_DURATION, offsetof(struct balancer_config, lag_ns), "0s",
		.help = "a backend that is taken out gets requests for so long still"},
	{"HEALTH_PATH", FIELD_TEXT, offsetof(struct balancer_config, health_path), NULL,
		.help = "path that each backend is asked for; it gets requests after a "
			"200; by default none is asked"},
	{"HEALTH_INTERVAL", FIELD_DURATION,
		offsetof(struct balancer_config, health_interval_ns), "1s",
		.help = "time between two such checks, and bound of each (of which 1s is "
			"the least)"},
	{"FAILS", FIELD_INT, offsetof(struct balancer_config, fails), "3",
		.help = "after so many failed checks in a row a backend gets no request",
		.min = 1, .max = 100},
	{"RETRIES", FIELD_INT, offsetof(struct balancer_config, retries), "0",
		.help = "how often a request that no backend has begun to answer is sent "
			"to another one",
		.min = 0, .max = 10},
	{"IDLE", FIELD_INT, offsetof(struct balancer_config, idle_s), "4",
		.help = "seconds for which an idle connection to a backend is used again; a "
			"server that closes its own earlier loses requests",
		.min = 1, .max = 3600},
	{"TIMEOUT", FIELD_DURATION, offsetof(struct balancer_config, timeout_ns), "60s",
		.help = "bound of the wait for a whole answer of a backend; 0s: none"},
	{0},
};

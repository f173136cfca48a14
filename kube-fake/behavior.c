#include "kube-fake/behavior.h"

#define AT(member) offsetof(struct kube_behavior, member)

const struct field kube_behavior_fields[] = {
	{"start", FIELD_DURATION, AT(start_ns), "50ms",
		.help = "from a pod's creation until its containers run"},
	{"ready", FIELD_DURATION, AT(ready_ns), "50ms",
		.help = "from there until it is ready"},
	{"prestop", FIELD_DURATION, AT(prestop_ns), "100ms",
		.help = "how long a preStop hook takes that is no sleep"},
	{"prestop_fails", FIELD_BOOL, AT(prestop_fails), "false",
		.help = "a preStop hook fails, and its event says so"},
	{"stop", FIELD_DURATION, AT(stop_ns), "100ms",
		.help = "from SIGTERM to the end of the program"},
	{"exit_code", FIELD_INT, AT(exit_code), "0", .max = 255,
		.help = "of the program, if it ends before SIGKILL"},
	{"serves", FIELD_BOOL, AT(serves), "false",
		.help = "pods have addresses of 127.0.0.0/8 and answer there over HTTP; from "
			"SIGTERM on 503 at /ready, for DRAIN_DELAY of their environment"},
	{"dead_node", FIELD_TEXT, AT(dead_node), NULL,
		.help = "a node whose kubelet does nothing any more"},
	{"endpoint_lag", FIELD_DURATION, AT(endpoint_ns), "20ms",
		.help = "from a change of a pod to that of its endpointslice"},
	{"bookmarks", FIELD_DURATION, AT(bookmark_ns), "10s",
		.help = "between two bookmarks of a watch"},
	{"watch", FIELD_DURATION, AT(watch_ns), "5m", .help = "how long a watch lasts"},
	{"throttled", FIELD_INT, AT(throttled), "0", .max = 1000000,
		.help = "so many of the next requests are answered with 429"},
	{"unavailable", FIELD_INT, AT(unavailable), "0", .max = 1000000,
		.help = "so many of the next requests are answered with 503"},
	{"forbidden", FIELD_TEXT, AT(forbidden), NULL,
		.help = "a verb and a resource that are answered with 403: \"patch nodes\""},
	{"token", FIELD_TEXT, AT(token), NULL,
		.help = "the bearer token that requests need; without it 401"},
	{"compacted", FIELD_BOOL, AT(compacted), "false",
		.help = "true: earlier versions are forgotten, their watches get 410"},
	{0},
};

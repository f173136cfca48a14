#include "harness/scenario/rollout_part.h"

#include "harness/scenario/service_part.h"

const char *const rollout_action_names[] = {
	"update", "scale", "drain", "remove", "node-death", NULL};

/* In the order of cluster.h's enums. */
static const char *const order_names[] = {"stop-first", "start-first", NULL};
static const char *const publish_names[] = {"host", "mesh", NULL};

const struct field rollout_fields[] = {
	{"replicas", FIELD_INT, offsetof(struct rollout_part, replicas), .min = 1,
		.max = 1000, .required = true,
		.help = "tasks of the service before anything happens"},
	{"action", FIELD_CHOICE, offsetof(struct rollout_part, action),
		.choices = rollout_action_names, .preset = "update",
		.help = "what happens while the traffic flows: a rolling update, to another "
			"number of replicas, a node's drain, the removal of the service, or a "
			"node that dies"},
	{"to", FIELD_INT, offsetof(struct rollout_part, to), .min = 0, .max = 1000,
		.help = "of \"scale\": replicas afterwards; 0 is to zero"},
	{"order", FIELD_CHOICE, offsetof(struct rollout_part, order),
		.choices = order_names, .preset = "stop-first",
		.help = "of an update: is the old task stopped or the new one started first"},
	{"parallelism", FIELD_INT, offsetof(struct rollout_part, parallelism),
		.preset = "1", .min = 1, .max = 1000,
		.help = "of an update: tasks that are replaced side by side"},
	{"delay", FIELD_DURATION, offsetof(struct rollout_part, delay_ns),
		.preset = "0s", .help = "of an update: between two batches"},
	{"times", FIELD_INT, offsetof(struct rollout_part, times), .preset = "1",
		.min = 1, .max = 1000,
		.help = "an update is done so often, one after the other"},
	{"node", FIELD_TEXT, offsetof(struct rollout_part, node),
		.help = "of \"drain\" and \"node-death\": its name; by default one that "
			"has tasks and is no manager"},
	{"kill_node", FIELD_OTHER, offsetof(struct rollout_part, kill_node),
		.type = &strlist_type,
		.help = "of \"node-death\": the command that ends the node; NODE in its "
			"environment is the node's name"},
	{"mend_node", FIELD_OTHER, offsetof(struct rollout_part, mend_node),
		.type = &strlist_type,
		.help = "and one that brings it back at the end"},
	{"publish", FIELD_CHOICE, offsetof(struct rollout_part, publish),
		.choices = publish_names, .preset = "host",
		.help = "how a task is reached: a port of its node each, or one port of every "
			"node through the orchestrator's own balancer (Swarm: IPVS)"},
	{"overlay", FIELD_BOOL, offsetof(struct rollout_part, overlay),
		.help = "the tasks are on an overlay network of their own: Swarm then waits "
			"2 s before it sends the stop signal"},
	{"within", FIELD_DURATION, offsetof(struct rollout_part, within_ns),
		.preset = "120s",
		.help = "bound of each action, until the orchestrator is done with it"},
	{0},
};

/*
 * rollout_part - "rollout" of a scenario: a service with replicas on an orchestrator, and
 * what happens to it while traffic flows.
 */
#ifndef HARNESS_SCENARIO_ROLLOUT_PART_H
#define HARNESS_SCENARIO_ROLLOUT_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"
#include "lib/strlist.h"

enum rollout_action {
	ROLLOUT_UPDATE,     /* "update": rolling, every task is replaced */
	ROLLOUT_SCALE,      /* "scale": to `to` replicas; 0 is scale to zero */
	ROLLOUT_DRAIN,      /* "drain": of a node */
	ROLLOUT_REMOVE,     /* "remove": service rm */
	ROLLOUT_NODE_DEATH, /* "node-death": the command `kill_node` ends a node */
};

struct rollout_part {
	int64_t replicas;    /* 0: the scenario has no rollout */
	int action;          /* enum rollout_action */
	int64_t to;          /* of "scale" */
	int order;           /* enum update_order: "stop-first", "start-first" */
	int64_t parallelism; /* tasks that are replaced side by side */
	int64_t delay_ns;    /* between two batches */
	int64_t times;       /* the action is done so often, one after the other */
	char *node; /* of "drain" and "node-death"; NULL: the harness chooses */
	struct strlist
		kill_node; /* of "node-death": a command that ends the node {node} */
	struct strlist mend_node; /* and one that brings it back; empty: none */
	int publish;              /* enum publish_mode: "host", "mesh" */
	bool overlay;             /* attached to an overlay network of its own */
	int64_t within_ns; /* bound of each action, until the orchestrator has settled */
};

extern const struct field rollout_fields[];
extern const char *const rollout_action_names[]; /* NULL-terminated */

#endif

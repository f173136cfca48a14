/*
 * inputs - what a method asks its client for: of the user (elicitation), of the model
 * (sampling), or its roots.
 *
 * Up to 2025-11-25 the server sends requests of its own, one after the other. Since
 * 2026-07-28 it answers that it needs input, and the client sends its request again
 * with the answers.
 */
#ifndef MOCK_MCP_FEATURES_INPUTS_H
#define MOCK_MCP_FEATURES_INPUTS_H

#include "mock-mcp/rpc/call.h"

struct input_spec {
	const char *key;
	enum protocol_capability capability;
	const char *method;
	const char *params;   /* JSON */
	const char *argument; /* NULL, or the method's argument whose text ... */
	const char *place;    /* ... goes to this place in params, "a.b.c" */
};

/* The answers by their keys, borrowed. */
typedef void inputs_done_fn(struct call *call, const cJSON *answers);

struct inputs {
	const struct input_spec *specs;
	unsigned count; /* more than 1: not for clients of the handshake */
	inputs_done_fn *done;
};

/* Asks, or finds the answers in params, and calls done. What the client is not capable
 * of is left out; if nothing is left, the call is refused. `state` is what the client
 * brings back, NULL: nothing. Keeps inputs, which is a constant. */
void inputs_ask(struct call *call, const cJSON *params, const struct inputs *inputs,
	const char *state);

/* The state that params bring back. NULL: none. False: it is not one of ours, and the
 * call has been refused. The state is the caller's. */
bool inputs_state(struct call *call, const cJSON *params, char **state) MUST_CHECK;

/* Refuses a call for a capability that the client has not declared. */
void inputs_refuse(struct call *call, enum protocol_capability capability);

#endif

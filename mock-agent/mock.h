/*
 * mock - the parts of the mock agent API, introduced to each other.
 */
#ifndef MOCK_AGENT_MOCK_H
#define MOCK_AGENT_MOCK_H

#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/json.h"
#include "mock-agent/faults/behavior.h"
#include "mock-agent/faults/injector.h"
#include "mock-agent/listener.h"

struct resources;
struct session_numbers;
struct api_sessions;
struct serial_queue;

struct mock_options {
	const char *host;
	uint16_t port;        /* 0: any */
	int64_t control_port; /* a second way in that is never shut; -1: none, 0: any */
	unsigned connections;
	const char *key; /* NULL: every credential will do */
	/* at the start and after a reset: a book must have been read from them well */
	const struct json_doc *behavior;
	uint64_t seed;
};

struct mock {
	uv_loop_t *loop;
	struct mock_options options;
	struct agent_behavior behavior; /* those that hold now */
	struct injectors *injectors;
	struct session_numbers *numbers;
	struct resources *agents, *environments;
	struct api_sessions *sessions;
	struct serial_queue *end_queue; /* of archives and deletes */
	struct listener *listener;
	struct listener *control_listener; /* NULL: none */
};

/* Listening. Keeps loop and what options point to. */
struct mock *mock_create(uv_loop_t *loop, const struct mock_options *options,
	struct err *err) MUST_CHECK;

/* As at its start, but with this seed: it listens, no session is left (their streams
 * are reset), no count, and the behavior are those that it was started with. Agents and
 * environments stay, since clients keep their ids. False when the port was taken while
 * it refused. */
bool mock_reset(struct mock *mock, uint64_t seed, struct err *err) MUST_CHECK;

/* Its handles close in the loop's next turns. Accepts NULL. */
void mock_destroy(struct mock *mock);

#endif

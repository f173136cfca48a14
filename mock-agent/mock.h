/*
 * mock - the mock agent API: its parts, and how they depend on each other.
 *
 *   main -> mock -> router -> control, the routes of api/ and messages/
 *                               |
 *                             api_request -> struct mock (this header)
 *                               |
 *   session/   api_sessions -> api_turn -> api_session, reply, event, event_log
 *                               |
 *   faults/    fault -> injector -> behavior; serial_queue
 *                |
 *              listener, api_format
 *                |
 *              lib/
 *
 * Every arrow goes down. What has to go up is a callback: an api_session calls its
 * subscribers, and event_stream is one; a serial_queue calls what it admits.
 */
#ifndef MOCK_AGENT_MOCK_H
#define MOCK_AGENT_MOCK_H

#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/json.h"
#include "mock-agent/faults/injector.h"
#include "mock-agent/faults/serial_queue.h"
#include "mock-agent/listener.h"
#include "mock-agent/session/api_sessions.h"

struct resources;
struct session_numbers;

struct mock_options {
	const char *host;
	uint16_t port;        /* 0: any */
	int64_t control_port; /* a second listener that is never shut; -1: none, 0: any */
	unsigned connections;
	const char *key;         /* NULL: every credential is accepted */
	const char *control_key; /* NULL: /control needs what the API needs */
	/* At the start and after a reset; agent_behavior_check() accepts it. */
	const struct json_doc *behavior;
	uint64_t seed;
};

struct mock {
	uv_loop_t *loop;
	struct mock_options options;
	struct agent_behavior behavior; /* the present one */
	struct injectors injectors;
	struct session_numbers *numbers;
	struct resources *agents, *environments;
	struct api_sessions sessions;
	struct serial_queue end_queue; /* of archives and deletes */
	struct listener *listener;
	struct listener *control_listener; /* NULL: none */
};

/* Listens when it returns. Keeps loop and what options point to. */
struct mock *mock_create(uv_loop_t *loop, const struct mock_options *options,
	struct err *err) MUST_CHECK;

/* Restores the state of the start, with this seed: no sessions (their streams are reset),
 * no fault counts, the behavior of the options, an open listener. Agents and environments
 * stay, since clients keep their ids. False: another process took the port while the
 * listener was shut. */
bool mock_reset(struct mock *mock, uint64_t seed, struct err *err) MUST_CHECK;

/* The handles close in the loop's next turns. Accepts NULL. */
void mock_destroy(struct mock *mock);

#endif

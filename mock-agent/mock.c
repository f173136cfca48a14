#include "mock-agent/mock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/router.h"
#include "mock-agent/faults/serial_queue.h"
#include "mock-agent/session/api_sessions.h"
#include "mock-agent/session/session_numbers.h"

#define BODY_CEILING                                                                   \
	((size_t)8 << 20) /* the Claude CLI sends conversations of 100 kB */
#define SIDE_CONNECTIONS 64
#define IDLE_NS          (300 * CLOCK_S)

/* What was said since the start is forgotten. */
static void begin_book(struct mock *mock)
{
	const struct json_doc *behavior = mock->options.behavior;
	struct err err;
	bool ok;

	agent_behavior_done(&mock->behavior);
	agent_behavior_preset(&mock->behavior);
	ok = agent_behavior_read(&mock->behavior, behavior, behavior->root, &err);
	assert(ok);
	(void)ok;
}

static struct listener *create_door(
	struct mock *mock, uint16_t port, unsigned connections, struct err *err)
{
	const struct web_options options = {
		.host = mock->options.host,
		.port = port,
		.connections = connections,
		.idle_ns = IDLE_NS,
		.body_ceiling = BODY_CEILING,
		.handle = router_handle,
		.over = router_over,
		.arg = mock,
	};

	return listener_create(mock->loop, &options, err);
}

static bool open_doors(struct mock *mock, struct err *err)
{
	const struct mock_options *options = &mock->options;

	mock->listener = create_door(mock, options->port, options->connections, err);
	if (!mock->listener)
		return false;
	if (options->control_port < 0)
		return true;
	mock->control_listener = create_door(
		mock, (uint16_t)options->control_port, SIDE_CONNECTIONS, err);
	return mock->control_listener || err_while(err, "control port");
}

struct mock *mock_create(
	uv_loop_t *loop, const struct mock_options *options, struct err *err)
{
	struct mock *mock = mem_zeroed(sizeof *mock);

	mock->loop = loop;
	mock->options = *options;
	mock->injectors = injectors_create(&mock->behavior, options->seed);
	mock->numbers = session_numbers_create();
	mock->agents = resources_create(RESOURCES_AGENTS);
	mock->environments = resources_create(RESOURCES_ENVIRONMENTS);
	mock->sessions = api_sessions_create();
	mock->end_queue = serial_queue_create();
	begin_book(mock);
	if (!open_doors(mock, err)) {
		mock_destroy(mock);
		return NULL;
	}
	return mock;
}

bool mock_reset(struct mock *mock, uint64_t seed, struct err *err)
{
	api_sessions_clear(mock->sessions);
	begin_book(mock);
	session_numbers_clear(mock->numbers);
	injectors_restart(mock->injectors, seed);
	return listener_open(mock->listener, err);
}

void mock_destroy(struct mock *mock)
{
	if (!mock)
		return;
	listener_destroy(mock->listener);
	listener_destroy(mock->control_listener);
	api_sessions_destroy(mock->sessions);
	serial_queue_destroy(mock->end_queue);
	resources_destroy(mock->agents);
	resources_destroy(mock->environments);
	session_numbers_destroy(mock->numbers);
	injectors_destroy(mock->injectors);
	agent_behavior_done(&mock->behavior);
	free(mock);
}

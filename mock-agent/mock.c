#include "mock-agent/mock.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/router.h"
#include "mock-agent/session/session_numbers.h"

#define BODY_CEILING        ((size_t)8 << 20) /* the Claude CLI sends 100 kB */
#define CONTROL_CONNECTIONS 64
#define IDLE_NS             (300 * CLOCK_S)

static void reset_behavior(struct mock *mock)
{
	const struct json_doc *behavior = mock->options.behavior;
	struct err err;
	UNUSED bool ok;

	agent_behavior_done(&mock->behavior);
	agent_behavior_preset(&mock->behavior);
	ok = agent_behavior_read(&mock->behavior, behavior, behavior->root, &err);
	assert(ok);
}

static struct listener *create_listener(
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

static bool listen_at_ports(struct mock *mock, struct err *err)
{
	const struct mock_options *options = &mock->options;

	mock->listener =
		create_listener(mock, options->port, options->connections, err);
	mock->injectors.listener = mock->listener;
	if (!mock->listener)
		return false;
	if (options->control_port < 0)
		return true;
	mock->control_listener = create_listener(
		mock, (uint16_t)options->control_port, CONTROL_CONNECTIONS, err);
	return mock->control_listener || err_while(err, "control port");
}

struct mock *mock_create(
	uv_loop_t *loop, const struct mock_options *options, struct err *err)
{
	struct mock *mock = mem_zeroed(sizeof *mock);

	mock->loop = loop;
	mock->options = *options;
	injectors_init(&mock->injectors, &mock->behavior, options->seed);
	mock->numbers = session_numbers_create();
	mock->agents = resources_create(RESOURCES_AGENTS);
	mock->environments = resources_create(RESOURCES_ENVIRONMENTS);
	mock->sessions.loop = loop;
	reset_behavior(mock);
	if (!listen_at_ports(mock, err)) {
		mock_destroy(mock);
		return NULL;
	}
	return mock;
}

bool mock_reset(struct mock *mock, uint64_t seed, struct err *err)
{
	api_sessions_clear(&mock->sessions);
	reset_behavior(mock);
	session_numbers_clear(mock->numbers);
	injectors_restart(&mock->injectors, seed);
	return listener_open(mock->listener, err);
}

void mock_destroy(struct mock *mock)
{
	if (!mock)
		return;
	listener_destroy(mock->listener);
	listener_destroy(mock->control_listener);
	api_sessions_clear(&mock->sessions);
	resources_destroy(mock->agents);
	resources_destroy(mock->environments);
	session_numbers_destroy(mock->numbers);
	injectors_done(&mock->injectors);
	agent_behavior_done(&mock->behavior);
	free(mock);
}

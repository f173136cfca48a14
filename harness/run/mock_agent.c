#include "harness/run/mock_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define PORT_INSIDE 8089 /* in a container, where every port is free */
#define CONTROL_NS  (10 * CLOCK_S)

struct mock_agent {
	struct mock_program *program;
	uv_loop_t *loop;
	const bool *interrupted;
	struct fetch *fetch;
};

struct mock_agent *mock_agent_up(const struct mock_options *options,
	const struct scenario *scenario, struct err *err)
{
	struct mock_agent *mock_agent = mem_zeroed(sizeof *mock_agent);

	mock_agent->loop = options->loop;
	mock_agent->interrupted = options->interrupted;
	mock_agent->program = mock_program_up(options,
		&(struct mock_program_spec){
			.program = "mock-agent",
			.host = "mock-agent",
			.port_inside = PORT_INSIDE,
			.behavior = scenario->agent_json ? scenario->agent_json : "{}",
			.listening = "agent.listening",
			.inetd = true,
		},
		err);
	if (mock_agent->program)
		return mock_agent;
	mock_agent_down(mock_agent);
	return NULL;
}

bool mock_agent_await(struct mock_agent *mock_agent, struct err *err)
{
	return mock_program_await(mock_agent->program, err);
}

const char *mock_agent_url(const struct mock_agent *mock_agent)
{
	return mock_program_url(mock_agent->program);
}

/* The answer to one control request. */
struct control_answer {
	bool over;
	long status;
	char text[256];
};

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct control_answer *answer = arg;

	answer->over = true;
	answer->status = result->status;
	snprintf(answer->text, sizeof answer->text, "%.250s",
		result->end == FETCH_ANSWERED ? buf_text(result->body) : result->why);
}

static bool is_over(const void *arg)
{
	return ((const struct control_answer *)arg)->over;
}

bool mock_agent_slow_turns(
	struct mock_agent *mock_agent, int64_t turn_ns, struct err *err)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	SCOPED(mem_free) char *url = mem_textf(
		"%s/control/behavior", mock_program_control_url(mock_agent->program));
	SCOPED(mem_free) char *body = mem_textf(
		"{\"first_byte\": {\"latency\": \"%lldns\"}}", (long long)turn_ns);
	struct control_answer answer = {0};
	const struct fetch_request request = {
		.method = "PUT",
		.url = url,
		.headers = json,
		.body = body,
		.body_len = strlen(body),
		.timeout_ns = CONTROL_NS,
		.done = on_answer,
		.arg = &answer,
	};
	struct fetch_call *call = NULL;

	if (!mock_agent->fetch)
		mock_agent->fetch = fetch_create(mock_agent->loop, 1, err);
	if (mock_agent->fetch)
		call = fetch_start(mock_agent->fetch, &request, err);
	if (!call)
		return false;
	if (wait_until(mock_agent->loop, is_over, &answer, clock_now() + 2 * CONTROL_NS,
		    mock_agent->interrupted) != WAIT_SO) {
		fetch_cancel(call);
		return err_set(err, "mock-agent did not take its new behavior");
	}
	return answer.status == 200 ||
		err_set(err, "mock-agent refused its new behavior: %s", answer.text);
}

bool mock_agent_running(const struct mock_agent *mock_agent)
{
	return mock_program_running(mock_agent->program);
}

void mock_agent_down(struct mock_agent *mock_agent)
{
	if (!mock_agent)
		return;
	fetch_destroy(mock_agent->fetch);
	mock_program_down(mock_agent->program);
	free(mock_agent);
}

#include "harness/run/mock_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define PORT_INSIDE 8089 /* in a container, where every port is free */
#define UP_NS       (10 * CLOCK_S)
#define STOP_NS     (2 * CLOCK_S)

struct mock_agent {
	struct mock_agent_options options;
	char *agent_url;   /* as the service reaches it */
	char *control_url; /* as we do */
	struct reaper *reaper;
	struct child *child;     /* beside the harness */
	struct subject *subject; /* or in a container */
	struct fetch *fetch;
	bool exited;
	struct buf output; /* why it could not start */
};

static void on_output(void *arg, const char *data, size_t len)
{
	struct mock_agent *mock_agent = arg;

	buf_add(&mock_agent->output, data, len);
}

static void on_log(void *arg, int64_t ns UNUSED, const char *line, size_t len)
{
	struct mock_agent *mock_agent = arg;

	buf_add(&mock_agent->output, line, len);
	buf_adds(&mock_agent->output, "\n");
}

static void on_child_exit(void *arg, int status UNUSED)
{
	struct mock_agent *mock_agent = arg;

	mock_agent->exited = true;
}

static bool is_listening_or_gone(const void *arg)
{
	const struct mock_agent *mock_agent = arg;

	return !mock_agent_running(mock_agent) ||
		evidence_count(mock_agent->options.evidence, "agent.listening") > 0;
}

static bool is_gone(const void *arg)
{
	return ((const struct mock_agent *)arg)->exited;
}

static bool is_stopped(const void *arg)
{
	return ((const struct mock_agent *)arg)->subject->stopped;
}

/* On the host it is spawned and chooses its port; on a network of the case it runs in a
 * container of its own. */
static bool start(struct mock_agent *mock_agent, const char *behavior, struct err *err)
{
	const struct mock_agent_options *options = &mock_agent->options;
	bool inside = options->network != NULL;
	SCOPED(mem_free) char *program = mem_textf("%s/mock-agent", options->programs);
	SCOPED(mem_free) char *port = mem_textf("--port=%d", inside ? PORT_INSIDE : 0);
	SCOPED(mem_free)
	char *seed = mem_textf("--seed=%llu", (unsigned long long)options->seed);
	SCOPED(mem_free) char *ledger = mem_textf("--ledger=%s", options->ledger);
	const char *const argv[] = {inside ? "mock-agent" : program, port, "--behavior",
		behavior, seed, ledger, inside ? "--host=0.0.0.0" : NULL, NULL};

	if (inside) {
		mock_agent->subject = engine_up(options->engine,
			&(struct subject_spec){
				.name = "mock-agent",
				.command = argv,
				.run_folder = options->folder,
				.network = options->network,
				.stop_signal = "SIGTERM",
				.grace_ns = STOP_NS,
				.log = on_log,
				.arg = mock_agent,
			},
			err);
		return mock_agent->subject != NULL;
	}
	mock_agent->reaper = reaper_create(options->loop, NULL, NULL, err);
	if (mock_agent->reaper)
		mock_agent->child = child_spawn(mock_agent->reaper,
			&(struct child_spec){
				.argv = argv,
				.on_stdout = on_output,
				.on_stderr = on_output,
				.on_exit = on_child_exit,
				.arg = mock_agent,
			},
			err);
	return mock_agent->child != NULL;
}

static bool wait_listening(struct mock_agent *mock_agent, struct err *err)
{
	const struct mock_agent_options *options = &mock_agent->options;
	const struct event *listening;
	int64_t port;

	wait_until(options->loop, is_listening_or_gone, mock_agent, clock_now() + UP_NS,
		options->interrupted);
	listening = evidence_find_event(
		options->evidence, EVENT_LEDGER, "agent.listening", 0);
	if (!listening)
		return err_set(err, "it did not start to listen: %s",
			buf_text(&mock_agent->output));
	port = json_int(listening->json, "port", 0);
	mock_agent->agent_url = mem_textf("http://%s:%lld",
		mock_agent->subject ? "mock-agent" : "127.0.0.1", (long long)port);
	mock_agent->control_url = mem_textf("http://%s:%lld",
		mock_agent->subject ? mock_agent->subject->address : "127.0.0.1",
		(long long)port);
	return true;
}

struct mock_agent *mock_agent_up(const struct mock_agent_options *options,
	const struct scenario *scenario, struct err *err)
{
	struct mock_agent *mock_agent = mem_zeroed(sizeof *mock_agent);
	SCOPED(mem_free) char *behavior = mem_textf("%s/agent.json", options->folder);
	const char *json = scenario->agent_json ? scenario->agent_json : "{}";
	bool ok;

	mock_agent->options = *options;
	buf_init(&mock_agent->output, 64 << 10);
	ok = fs_write_file(behavior, json, strlen(json), err) &&
		start(mock_agent, behavior, err) && wait_listening(mock_agent, err);
	if (!ok) {
		err_while(err, "mock-agent");
		mock_agent_down(mock_agent);
		return NULL;
	}
	return mock_agent;
}

const char *mock_agent_url(const struct mock_agent *mock_agent)
{
	return mock_agent->agent_url;
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
	SCOPED(mem_free) char *url =
		mem_textf("%s/control/behavior", mock_agent->control_url);
	SCOPED(mem_free) char *body = mem_textf(
		"{\"first_byte\": {\"latency\": \"%lldns\"}}", (long long)turn_ns);
	struct control_answer answer = {0};
	const struct fetch_request request = {
		.method = "PUT",
		.url = url,
		.headers = json,
		.body = body,
		.body_len = strlen(body),
		.timeout_ns = UP_NS,
		.done = on_answer,
		.arg = &answer,
	};
	struct fetch_call *call = NULL;

	if (!mock_agent->fetch)
		mock_agent->fetch = fetch_create(mock_agent->options.loop, 1, err);
	if (mock_agent->fetch)
		call = fetch_start(mock_agent->fetch, &request, err);
	if (!call)
		return false;
	if (wait_until(mock_agent->options.loop, is_over, &answer,
		    clock_now() + 2 * UP_NS,
		    mock_agent->options.interrupted) != WAIT_SO) {
		fetch_cancel(call);
		return err_set(err, "mock-agent did not take its new behavior");
	}
	return answer.status == 200 ||
		err_set(err, "mock-agent refused its new behavior: %s", answer.text);
}

bool mock_agent_running(const struct mock_agent *mock_agent)
{
	return mock_agent->subject ? mock_agent->subject->running : !mock_agent->exited;
}

void mock_agent_down(struct mock_agent *mock_agent)
{
	struct err ignored;

	if (!mock_agent)
		return;
	fetch_destroy(mock_agent->fetch);
	if (mock_agent->child && !mock_agent->exited) {
		child_stop(mock_agent->child, 0, STOP_NS);
		wait_until(mock_agent->options.loop, is_gone, mock_agent,
			clock_now() + 2 * STOP_NS, NULL);
	}
	if (mock_agent->subject && subject_stop(mock_agent->subject, &ignored))
		wait_until(mock_agent->options.loop, is_stopped, mock_agent,
			clock_now() + 2 * STOP_NS, NULL);
	child_destroy(mock_agent->child);
	reaper_destroy(mock_agent->reaper);
	subject_down(mock_agent->subject);
	free(mock_agent->agent_url);
	free(mock_agent->control_url);
	buf_done(&mock_agent->output);
	free(mock_agent);
}

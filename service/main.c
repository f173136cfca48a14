/*
 * service - chat webhooks in, an agent's answers out.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <uv.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/log.h"
#include "lib/signals.h"
#include "service/agent/agent_client.h"
#include "service/config.h"
#include "service/drain.h"
#include "service/http_api.h"
#include "service/mcp/spawn_queue.h"
#include "service/mcp/tool_registry.h"
#include "service/metrics.h"
#include "service/probe.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"

/* A stderr that nobody reads must not keep us from hearing the stop signal. */
#define LOG_PATIENCE_NS (250 * CLOCK_MS)

enum service_exit {
	EXIT_STOPPED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct service_program {
	uv_loop_t loop;
	struct config config;
	struct metrics metrics;
	struct service service;
	struct sessions *sessions;
	struct http_api *http_api;
	struct drain *drain;
	uv_signal_t term, interrupt;
	bool listening_to_signals;
};

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

static void on_orphan(void *arg, pid_t pid, int status)
{
	struct service_program *program = arg;
	bool signalled = WIFSIGNALED(status);

	program->metrics.orphans++;
	log_event("orphan.reaped", "child", LOG_INT(pid),
		signalled ? "signal" : "exit_code",
		LOG_INT(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct service_program *program = handle->data;

	drain_signal(program->drain, signal);
}

/* Blocked since the first instruction: one that came meanwhile is read now. */
static void listen_to_signals(struct service_program *program)
{
	uv_signal_init(&program->loop, &program->term);
	uv_signal_init(&program->loop, &program->interrupt);
	program->term.data = program->interrupt.data = program;
	uv_signal_start(&program->term, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	program->listening_to_signals = true;
	signals_block_only(NULL);
}

static bool read_last_stop(struct service_program *program, struct err *err)
{
	return store_find_stop(program->service.store, &program->metrics.last_stop,
		&program->metrics.has_last_stop, err);
}

/* What the next start finds, unless our stop comes to its end. */
static void note_start(struct service_program *program)
{
	struct err err = {0};

	if (!store_save_stop(program->service.store,
		    &(struct store_stop){.unfinished = true}, &err))
		log_event("store.failed", "why", LOG_TEXT(err.text));
}

static struct agent_client *make_agent(struct service_program *program, struct err *err)
{
	const struct config *config = &program->config;

	return agent_client_create(&program->loop,
		&(struct agent_client_options){
			.url = config->agent_url,
			.key = config->agent_key,
			.model = config->model,
			.agent_id = config->agent_id,
			.environment_id = config->environment_id,
			.name = "stopbench-service",
			.store = program->service.store,
			.connections = (unsigned)config->session_limit,
			.request_ns = config->request_ns,
		},
		err);
}

/* All that is left is closed by the turns of the loop that follow. */
static void take_down(struct service_program *program)
{
	http_api_destroy(program->http_api);
	sessions_destroy(program->sessions);
	agent_client_destroy(program->service.agent);
	spawn_queue_destroy(program->service.spawn_queue);
	if (program->drain)
		drain_close(program->drain);
	if (program->listening_to_signals) {
		uv_close((uv_handle_t *)&program->term, NULL);
		uv_close((uv_handle_t *)&program->interrupt, NULL);
	}
	if (program->service.reaper)
		reaper_kill_all(program->service.reaper);
}

static void on_drained(void *arg)
{
	take_down(arg);
}

static bool set_up(struct service_program *program, struct err *err)
{
	struct service *service = &program->service;

	service->loop = &program->loop;
	service->config = &program->config;
	service->metrics = &program->metrics;
	if (!(service->reaper =
			    reaper_create(&program->loop, on_orphan, program, err)) ||
		!(service->store = store_open(program->config.store_path, err)) ||
		!read_last_stop(program, err) ||
		!(service->agent = make_agent(program, err)))
		return false;
	service->spawn_queue = spawn_queue_create(&program->loop);
	service->tools = tool_registry_create(&program->config.servers, service->store);
	program->sessions = sessions_create(service);
	program->http_api = http_api_create(service, program->sessions, err);
	if (!program->http_api)
		return false;
	program->drain = drain_create(
		service, program->sessions, program->http_api, on_drained, program);
	return true;
}

static void free_all(struct service_program *program)
{
	uv_run(&program->loop, UV_RUN_DEFAULT); /* until the last child is reaped */
	reaper_destroy(program->service.reaper);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	tool_registry_destroy(program->service.tools);
	store_close(program->service.store);
	uv_loop_close(&program->loop);
}

static int serve(struct service_program *program)
{
	struct err err = {0};
	int exit_code;

	uv_loop_init(&program->loop);
	if (!set_up(program, &err)) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		take_down(program);
		free_all(program);
		return EXIT_FAILED;
	}
	note_start(program);
	listen_to_signals(program);
	log_event("service.listening", "host", LOG_TEXT(program->config.host), "port",
		LOG_INT(http_api_port(program->http_api)));
	free_all(program);
	exit_code = drain_complete(program->drain);
	drain_destroy(program->drain);
	return exit_code;
}

int main(int argc, char **argv)
{
	struct service_program program = {0};
	struct err err = {0};
	int exit_code;

	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	log_patience(LOG_PATIENCE_NS);
	if (!config_read(&program.config, argc, argv, &err)) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		return EXIT_USAGE;
	}
	if (program.config.health) {
		exit_code = probe_health(&program.config, &err) ? EXIT_STOPPED
								: EXIT_FAILED;
		if (exit_code != EXIT_STOPPED)
			log_event("probe.failed", "why", LOG_TEXT(err.text));
	} else {
		fd_limit_raise();
		config_log(&program.config);
		exit_code = serve(&program);
	}
	config_done(&program.config);
	return exit_code;
}

/*
 * service - chat webhooks in, an agent's answers out.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/fetch.h"
#include "lib/health_probe.h"
#include "lib/log.h"
#include "lib/log_writer.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/web.h"
#include "service/agent/agent_client.h"
#include "service/drain.h"
#include "service/http_api.h"
#include "service/mcp/tool_registry.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/spawn_queue.h"
#include "service/store.h"

/* A stderr that is not read must not delay the stop signal. */
#define LOG_PATIENCE_NS (250 * CLOCK_MS)

enum service_exit {
	EXIT_STOPPED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

/* Blocked from the first instruction to the last, but for the time in which the loop
 * reads them: none of them ever has its default effect. */
static const int stop_signals[SERVICE_STOP_SIGNALS + 1] = {SIGTERM, SIGINT, SIGHUP, 0};

static void on_orphan(void *arg, pid_t pid, int status)
{
	struct service *service = arg;
	bool signalled = WIFSIGNALED(status);

	service->metrics.orphans++;
	log_event("orphan.reaped", "child", LOG_INT(pid),
		signalled ? "signal" : "exit_code",
		LOG_INT(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct service *service = handle->data;

	drain_signal(service->drain, signal);
}

static bool handle_stop_signals(struct service *service, struct err *err)
{
	for (unsigned i = 0; i < SERVICE_STOP_SIGNALS; i++) {
		uv_signal_t *handle = &service->stop_signals[i];
		int code = uv_signal_init(&service->loop, handle);

		if (code == 0) {
			service->stop_signal_count++;
			handle->data = service;
			code = uv_signal_start(handle, on_signal, stop_signals[i]);
		}
		if (code != 0)
			return err_set(err, "handle signals: %s", uv_strerror(code));
	}
	return true;
}

/* A session has a stream and a warm connection. A fifth of the descriptors is left for
 * what else there is. */
static unsigned warm_connections(const struct service *service)
{
	unsigned most = service->descriptors / 5 * 2 + 1;

	return service->config.session_limit < most
		? (unsigned)service->config.session_limit
		: most;
}

static bool make_agent(struct service *service, struct err *err)
{
	const struct config *config = &service->config;

	if (config->agent == CONFIG_AGENT_CLI) {
		service->cli = (struct cli_host){
			.loop = &service->loop,
			.reaper = service->reaper,
			.spawn_queue = service->spawn_queue,
			.metrics = &service->metrics,
			.config = &config->cli,
			.agent_url = config->agent_url,
			.key = config->agent_key,
			.model = config->model,
		};
		return true;
	}

	service->agent = agent_client_create(&service->loop,
		&(struct agent_client_options){
			.url = config->agent_url,
			.key = config->agent_key,
			.connections = warm_connections(service),
			.request_ns = config->request_ns,
			.http2 = config->agent_http == AGENT_HTTP_2,
			.unpaced = config->pacing == PACING_NONE,
			.model = config->model,
			.agent_id = config->agent_id,
			.environment_id = config->environment_id,
			.name = "stopbench-service",
			.store = service->store,
		},
		err);
	return service->agent != NULL;
}

static bool make_mcp_host(struct service *service, struct err *err)
{
	/* The CLI has the servers. */
	static const struct mcp_config none = {.start = MCP_START_SESSION};
	const struct mcp_config *config = service->config.agent == CONFIG_AGENT_CLI
		? &none
		: &service->config.mcp;

	service->mcp = (struct mcp_host){
		.loop = &service->loop,
		.config = config,
		.reaper = service->reaper,
		.spawn_queue = service->spawn_queue,
		.tools = tool_registry_create(config, service->store),
		.metrics = &service->metrics,
		.fetch = fetch_create(
			&service->loop, (unsigned)service->config.session_limit, err),
	};
	return service->mcp.fetch != NULL;
}

/* What is left is closed by the turns of the loop that follow. */
static void take_down(void *arg)
{
	struct service *service = arg;

	signals_block_only(stop_signals);
	log_gather(false);
	log_writer_destroy(service->log_writers[0]);
	log_writer_destroy(service->log_writers[1]);
	http_api_destroy(service->http_api);
	sessions_destroy(service->sessions);
	agent_client_destroy(service->agent);
	spawn_queue_destroy(service->spawn_queue);
	fetch_destroy(service->mcp.fetch);
	if (service->drain)
		drain_close(service->drain);
	for (unsigned i = 0; i < service->stop_signal_count; i++)
		uv_close((uv_handle_t *)&service->stop_signals[i], NULL);
	if (service->reaper)
		reaper_kill_all(service->reaper);
}

static bool set_up(struct service *service, struct err *err)
{
	struct metrics *metrics = &service->metrics;

	rng_seed(&service->rng, (uint64_t)clock_now());
	service->reaper = reaper_create(&service->loop, on_orphan, service, err);
	if (!service->reaper || !handle_stop_signals(service, err))
		return false;
	service->spawn_queue = spawn_queue_create(&service->loop);
	service->store = store_open(service->config.store_path, err);
	if (!service->store ||
		!store_find_stop(service->store, &metrics->last_stop,
			&metrics->has_last_stop, err) ||
		!make_agent(service, err))
		return false;
	if (!make_mcp_host(service, err))
		return false;
	service->sessions = sessions_create(service);
	service->http_api = http_api_create(service, err);
	if (!service->http_api)
		return false;
	service->drain = drain_create(service, take_down, service);
	service->log_writers[0] = log_writer_create(&service->loop);
	return true;
}

static int serve(struct service *service)
{
	struct err err = {0};
	int exit_code = EXIT_FAILED;
	int code = uv_loop_init(&service->loop);

	if (code != 0) {
		log_event("service.failed", "why", LOG_TEXT(uv_strerror(code)));
		return EXIT_FAILED;
	}
	log_gather(true);
	service->log_writers[1] = log_writer_create(&service->loop);
	if (set_up(service, &err)) {
		/* the next start finds this record, unless our stop replaces it */
		store_log(store_save_stop(service->store,
				  &(struct stop_stats){.unfinished = true}, &err),
			&err);
		signals_block_only(NULL);
		log_event("service.listening", "host", LOG_TEXT(service->config.host),
			"port", LOG_INT(web_port(service->http_api->web)));
	} else {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		take_down(service);
	}
	uv_run(&service->loop, UV_RUN_DEFAULT); /* until the last child is reaped */
	reaper_destroy(service->reaper);
	uv_run(&service->loop, UV_RUN_DEFAULT);
	tool_registry_destroy(service->mcp.tools);
	store_close(service->store);
	uv_loop_close(&service->loop);
	if (service->drain)
		exit_code = drain_complete(service->drain);
	drain_destroy(service->drain);
	return exit_code;
}

static int probe_health(const struct config *config)
{
	SCOPED(mem_free) char *port = mem_textf("%d", (int)config->health);
	struct err err;

	if (health_probe(config->host, port, config->request_ns, &err))
		return EXIT_STOPPED;
	log_event("probe.failed", "why", LOG_TEXT(err.text));
	return EXIT_FAILED;
}

/* Without the exit handlers of libraries: OpenSSL's frees its tables one by one, which
 * was a fifth of an idle stop. A sanitizer has one that looks for leaks. */
static int end(int exit_code)
{
#ifndef __SANITIZE_ADDRESS__
	_exit(exit_code);
#endif
	return exit_code;
}

int main(int argc, char **argv)
{
	struct service service = {0};
	struct err err = {0};
	int exit_code;

	signals_block_only(stop_signals);
	standard_files_open(EXIT_FAILED);
	signals_ignore_sigpipe();
	log_patience(LOG_PATIENCE_NS);
	if (!config_read(&service.config, argc, argv, &err)) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		return EXIT_USAGE;
	}
	service.descriptors = fd_limit_raise(&err);
	if (!service.descriptors) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		exit_code = EXIT_FAILED;
	} else if (service.config.health) {
		signals_block_only(NULL);
		exit_code = probe_health(&service.config);
	} else {
		log_gather(true); /* some forty lines: the reader is woken once */
		config_log(&service.config);
		log_gather(false);
		exit_code = serve(&service);
	}
	config_done(&service.config);
	return end(exit_code);
}

/*
 * service - chat webhooks in, an agent's answers out.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <uv.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/descriptors.h"
#include "lib/log.h"
#include "service/agent.h"
#include "service/cabinet.h"
#include "service/config.h"
#include "service/drain.h"
#include "service/intake.h"
#include "service/means.h"
#include "service/metrics.h"
#include "service/probe.h"
#include "service/starter.h"
#include "service/store.h"
#include "service/tools.h"

/* A stderr that nobody reads must not keep us from hearing the stop signal. */
#define LOG_PATIENCE_NS (250 * CLOCK_MS)

enum exit_code {
	EXIT_STOPPED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct service {
	uv_loop_t loop;
	struct config config;
	struct metrics metrics;
	struct means means;
	struct cabinet *cabinet;
	struct intake *intake;
	struct drain *drain;
	uv_signal_t term, interrupt;
	bool listening_to_signals;
};

static void block_stop_signals(sigset_t *before)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, before);
}

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

/* Blocked since the first instruction: one that came meanwhile is read now. */
static void listen_to_signals(struct service *service, const sigset_t *before)
{
	uv_signal_init(&service->loop, &service->term);
	uv_signal_init(&service->loop, &service->interrupt);
	service->term.data = service->interrupt.data = service;
	uv_signal_start(&service->term, on_signal, SIGTERM);
	uv_signal_start(&service->interrupt, on_signal, SIGINT);
	service->listening_to_signals = true;
	sigprocmask(SIG_SETMASK, before, NULL);
}

static bool read_last_stop(struct service *service, struct err *err)
{
	return store_find_stop(service->means.store, &service->metrics.last_stop,
		&service->metrics.has_last_stop, err);
}

/* What the next start finds, unless our stop comes to its end. */
static void note_start(struct service *service)
{
	struct err err = {0};

	if (!store_save_stop(service->means.store,
		    &(struct store_stop){.unfinished = true}, &err))
		log_event("store.failed", "why", LOG_TEXT(err.text));
}

static struct agent *make_agent(struct service *service, struct err *err)
{
	const struct config *config = &service->config;

	return agent_create(&service->loop,
		&(struct agent_options){
			.url = config->agent_url,
			.key = config->agent_key,
			.model = config->model,
			.agent_id = config->agent_id,
			.environment_id = config->environment_id,
			.name = "stopbench-service",
			.store = service->means.store,
			.connections = (unsigned)config->session_limit,
			.request_ns = config->request_ns,
		},
		err);
}

/* All that is left is closed by the turns of the loop that follow. */
static void take_down(struct service *service)
{
	intake_destroy(service->intake);
	cabinet_destroy(service->cabinet);
	agent_destroy(service->means.agent);
	starter_destroy(service->means.starter);
	if (service->drain)
		drain_close(service->drain);
	if (service->listening_to_signals) {
		uv_close((uv_handle_t *)&service->term, NULL);
		uv_close((uv_handle_t *)&service->interrupt, NULL);
	}
	if (service->means.family)
		family_sweep(service->means.family);
}

static void on_drained(void *arg)
{
	take_down(arg);
}

static bool set_up(struct service *service, struct err *err)
{
	struct means *means = &service->means;

	means->loop = &service->loop;
	means->config = &service->config;
	means->metrics = &service->metrics;
	if (!(means->family = family_create(&service->loop, on_orphan, service, err)) ||
		!(means->store = store_open(service->config.store_path, err)) ||
		!read_last_stop(service, err) ||
		!(means->agent = make_agent(service, err)))
		return false;
	means->starter = starter_create(&service->loop);
	means->tools = tools_create(&service->config.servers, means->store);
	service->cabinet = cabinet_create(means);
	service->intake = intake_create(means, service->cabinet, err);
	if (!service->intake)
		return false;
	service->drain = drain_create(
		means, service->cabinet, service->intake, on_drained, service);
	return true;
}

static void free_all(struct service *service)
{
	uv_run(&service->loop, UV_RUN_DEFAULT); /* until the last child is reaped */
	family_destroy(service->means.family);
	uv_run(&service->loop, UV_RUN_DEFAULT);
	tools_destroy(service->means.tools);
	store_close(service->means.store);
	uv_loop_close(&service->loop);
}

static int serve(struct service *service, const sigset_t *before)
{
	struct err err = {0};
	int exit_code;

	uv_loop_init(&service->loop);
	if (!set_up(service, &err)) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		take_down(service);
		free_all(service);
		return EXIT_FAILED;
	}
	note_start(service);
	listen_to_signals(service, before);
	log_event("service.listening", "host", LOG_TEXT(service->config.host), "port",
		LOG_INT(intake_port(service->intake)));
	free_all(service);
	exit_code = drain_complete(service->drain);
	drain_destroy(service->drain);
	return exit_code;
}

int main(int argc, char **argv)
{
	struct service service = {0};
	struct err err = {0};
	sigset_t before;
	int exit_code;

	block_stop_signals(&before);
	signal(SIGPIPE, SIG_IGN);
	log_patience(LOG_PATIENCE_NS);
	if (!config_read(&service.config, argc, argv, &err)) {
		log_event("service.failed", "why", LOG_TEXT(err.text));
		return EXIT_USAGE;
	}
	if (service.config.health) {
		exit_code = probe_health(&service.config, &err) ? EXIT_STOPPED
								: EXIT_FAILED;
		if (exit_code != EXIT_STOPPED)
			log_event("probe.failed", "why", LOG_TEXT(err.text));
	} else {
		descriptors_raise();
		config_log(&service.config);
		exit_code = serve(&service, &before);
	}
	config_done(&service.config);
	return exit_code;
}

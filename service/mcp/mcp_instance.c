#include "service/mcp/mcp_instance.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "service/mcp/mcp_client.h"
#include "service/mcp/mcp_config.h"
#include "service/mcp/tool_registry.h"

/* Lines of one process that are logged; those after them are dropped. */
#define UNEXPECTED_OUTPUT_MAX 50

static const struct mcp_server_config *server_of(const struct mcp_instance *instance)
{
	return &instance->host->config->list[instance->server];
}

/* The first fields of each log event. */
#define OF(instance)                                                                   \
	"room", LOG_TEXT((instance)->room), "bot", LOG_TEXT((instance)->bot),          \
		"server", LOG_TEXT(server_of(instance)->name)

/* The one writer of `state`. */
static void enter(struct mcp_instance *instance, enum mcp_instance_state state)
{
	instance->state = state;
	instance->changed(instance->arg);
}

static void fail_to_start(struct mcp_instance *instance, const char *why)
{
	log_event("mcp.failed", OF(instance), "why", LOG_TEXT(why));
	instance->host->metrics->mcp_failures++;
	instance->reads_tools = false;
	tool_registry_failed(instance->host->tools, instance->server);
}

static void on_ready(void *arg, const cJSON *list, const char *why)
{
	struct mcp_instance *instance = arg;

	if (!list) {
		mcp_client_stop(instance->mcp, instance->host->config->eof_ns,
			instance->host->config->term_ns);
		fail_to_start(instance, why);
		enter(instance, MCP_INSTANCE_ENDING);
		return;
	}
	if (mcp_client_pid(instance->mcp))
		log_event("mcp.started", OF(instance), "child",
			LOG_INT(mcp_client_pid(instance->mcp)));
	else
		log_event("mcp.started", OF(instance), "transport", LOG_TEXT("http"));
	instance->host->metrics->mcp_starts++;
	instance->reads_tools = false;
	tool_registry_learn(instance->host->tools, instance->server, list);
	enter(instance, MCP_INSTANCE_READY);
}

static void on_relisted(void *arg, const cJSON *list)
{
	struct mcp_instance *instance = arg;

	log_event("mcp.relisted", OF(instance));
	tool_registry_learn(instance->host->tools, instance->server, list);
}

static void on_step(void *arg, enum mcp_step step)
{
	struct mcp_instance *instance = arg;

	if (mcp_client_pid(instance->mcp))
		log_event("mcp.step", OF(instance), "child",
			LOG_INT(mcp_client_pid(instance->mcp)), "step",
			LOG_TEXT(mcp_step_names[step]));
	else
		log_event("mcp.step", OF(instance), "step",
			LOG_TEXT(mcp_step_names[step]));
	instance->host->metrics->mcp_steps[step]++;
	instance->step = step;
}

static void log_reaped(const struct mcp_instance *instance, int status)
{
	bool signalled = WIFSIGNALED(status);

	log_event("mcp.reaped", OF(instance), "child",
		LOG_INT(mcp_client_pid(instance->mcp)),
		signalled ? "signal" : "exit_code",
		LOG_INT(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
	if (instance->step == MCP_STEP_KILL && signalled && WTERMSIG(status) == SIGKILL)
		instance->host->metrics->mcp_kills++;
}

static void on_gone(void *arg, const struct mcp_end *end)
{
	struct mcp_instance *instance = arg;

	if (end->is_process)
		log_reaped(instance, end->status);
	else
		log_event("mcp.closed", OF(instance), "status",
			LOG_INT(end->http_status), "why", LOG_TEXT(end->why));
	enter(instance, MCP_INSTANCE_EMPTY);
}

static void on_unexpected_output(void *arg, const char *line)
{
	struct mcp_instance *instance = arg;

	if (instance->unexpected_output++ >= UNEXPECTED_OUTPUT_MAX)
		return;
	log_event("mcp.unexpected_output", OF(instance), "line", LOG_TEXT(line), "last",
		LOG_BOOL(instance->unexpected_output == UNEXPECTED_OUTPUT_MAX));
}

static const struct mcp_client_events mcp_client_events = {
	.ready = on_ready,
	.relisted = on_relisted,
	.step = on_step,
	.gone = on_gone,
	.unexpected_output = on_unexpected_output,
};

/* NULL: it does not start. */
static struct mcp_client *start_client(struct mcp_instance *instance, struct err *err)
{
	const struct mcp_host *host = instance->host;
	const struct mcp_server_config *server = server_of(instance);
	SCOPED(strlist_done) struct strlist env = {0};
	SCOPED(strlist_done) struct strlist headers = {0};
	SCOPED(mem_free) char *url = NULL;
	struct mcp_client_spec spec = {
		.name = server->name,
		.start_ns = server->timeout_ns ? server->timeout_ns
					       : host->config->start_ns,
		.call_ns =
			server->timeout_ns ? server->timeout_ns : host->config->call_ns,
	};

	if (server->url) {
		url = mcp_server_config_url(server, instance->room, instance->bot);
		mcp_server_config_headers(
			server, instance->room, instance->bot, &headers);
		spec.http.fetch = host->fetch;
		spec.http.url = url;
		spec.http.headers = (const char *const *)headers.item;
	} else {
		mcp_server_config_env(server, instance->room, instance->bot, &env);
		spec.stdio.argv = (const char *const *)server->argv.item;
		spec.stdio.env = (const char *const *)env.item;
		spec.stdio.folder = server->folder;
	}
	return mcp_client_start(
		host->loop, host->reaper, &spec, &mcp_client_events, instance, err);
}

static bool start(struct mcp_instance *instance, struct err *err)
{
	spawn_queue_remove(instance->host->spawn_queue, &instance->entry);
	mcp_client_destroy(instance->mcp);
	instance->unexpected_output = 0;
	instance->step = MCP_STEP_NONE;
	instance->mcp = start_client(instance, err);
	if (!instance->mcp) {
		fail_to_start(instance, err->text);
		enter(instance, MCP_INSTANCE_EMPTY);
		return false;
	}
	enter(instance, MCP_INSTANCE_STARTING);
	return true;
}

static void on_turn_to_start(void *arg)
{
	struct err err;

	(void)!start(arg, &err); /* a failure was logged */
}

void mcp_instance_queue(struct mcp_instance *instance, bool only_unknown)
{
	if (instance->state != MCP_INSTANCE_EMPTY)
		return;
	instance->reads_tools =
		tool_registry_claim(instance->host->tools, instance->server);
	if (only_unknown && !instance->reads_tools)
		return;
	instance->entry.start = on_turn_to_start;
	instance->entry.arg = instance;
	spawn_queue_add(instance->host->spawn_queue, &instance->entry);
	enter(instance, MCP_INSTANCE_QUEUED);
}

struct mcp_client *mcp_instance_client(struct mcp_instance *instance, struct err *err)
{
	switch (instance->state) {
	case MCP_INSTANCE_EMPTY:
	case MCP_INSTANCE_QUEUED:
		return start(instance, err) ? instance->mcp : NULL;
	case MCP_INSTANCE_STARTING:
	case MCP_INSTANCE_READY:
		return instance->mcp;
	case MCP_INSTANCE_ENDING:
		break;
	}
	err_set(err, "MCP server %s is being stopped", server_of(instance)->name);
	return NULL;
}

void mcp_instance_cancel(struct mcp_instance *instance)
{
	spawn_queue_remove(instance->host->spawn_queue, &instance->entry);
	if (instance->state == MCP_INSTANCE_QUEUED)
		enter(instance, MCP_INSTANCE_EMPTY);
	if (instance->reads_tools) {
		instance->reads_tools = false;
		tool_registry_release(instance->host->tools, instance->server);
	}
}

void mcp_instance_stop(struct mcp_instance *instance, int64_t eof_ns, int64_t term_ns)
{
	if (instance->state < MCP_INSTANCE_STARTING)
		return;
	if (instance->state != MCP_INSTANCE_ENDING)
		enter(instance, MCP_INSTANCE_ENDING);
	mcp_client_stop(instance->mcp, eof_ns, term_ns);
}

void mcp_instance_done(struct mcp_instance *instance)
{
	mcp_instance_cancel(instance);
	mcp_client_destroy(instance->mcp);
	instance->mcp = NULL;
}

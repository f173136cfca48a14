#include "harness/run/replacement.h"

#include <stdlib.h>

#include "harness/run/free_port.h"
#include "harness/run/load.h"
#include "harness/run/readiness.h"
#include "harness/run/service_env.h"
#include "lib/mem.h"

struct replacement {
	struct replacement_options options;
	struct evidence evidence; /* its own: nothing of it is judged */
	struct free_port port;
	struct subject *subject;
	char *base;
	struct load *load;
};

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct replacement *replacement = arg;

	evidence_add_log(&replacement->evidence, ns, line, len);
}

static bool bring_up(struct replacement *replacement, struct err *err)
{
	static const char *const command[] = {"service", NULL};
	const struct replacement_options *options = &replacement->options;
	const struct service_env values = {
		.scenario = options->scenario,
		.host = "127.0.0.1",
		.agent_url = options->agent_url,
		.ledger = options->ledger,
		.port = replacement->port.port,
		.seed = options->seed,
	};
	SCOPED(strlist_done) struct strlist env = service_env_list(&values);
	struct subject_spec spec = {
		.name = "replacement",
		.command = command,
		.run_folder = options->run_folder,
		.stop_signal = "SIGTERM",
		.grace_ns = options->scenario->stop.grace_ns,
		.container = &options->scenario->service.container,
		.log = on_log,
		.arg = replacement,
	};

	strlist_add(&env, "PORT=%d", replacement->port.port);
	strlist_add(&env, "MCP_CONFIG=");
	spec.env = (const char *const *)env.item;
	replacement->subject = engine_up(options->engine, &spec, err);
	return replacement->subject != NULL;
}

static bool await_ready(struct replacement *replacement, struct err *err)
{
	const struct replacement_options *options = &replacement->options;
	const enum readiness_end end = readiness_await(
		&(struct readiness_options){
			.loop = options->loop,
			.scenario = options->scenario,
			.port = replacement->port.port,
			.subject = replacement->subject,
			.evidence = &replacement->evidence,
			.interrupted = options->interrupted,
		},
		&replacement->base, err);

	if (end == READINESS_YES || end == READINESS_UNSETTLED)
		return true;
	return end == READINESS_EXITED || end == READINESS_INTERRUPTED
		? err_set(err, "it was never ready")
		: false;
}

struct replacement *replacement_up(
	const struct replacement_options *options, struct err *err)
{
	struct replacement *replacement = mem_zeroed(sizeof *replacement);
	bool ok;

	replacement->options = *options;
	ok = free_port_take(&replacement->port, FREE_PORTS_FIRST, FREE_PORTS) ||
		err_set(err, "no port is free");
	ok = ok && bring_up(replacement, err) && await_ready(replacement, err);
	if (ok)
		replacement->load =
			load_create(options->loop, options->scenario, replacement->base,
				options->agent_url, &replacement->evidence, err);
	if (replacement->load)
		return replacement;
	err_while(err, "the replacement");
	replacement_down(replacement);
	return NULL;
}

void replacement_down(struct replacement *replacement)
{
	if (!replacement)
		return;
	subject_down(replacement->subject);
	load_destroy(replacement->load);
	free_port_done(&replacement->port);
	evidence_done(&replacement->evidence);
	free(replacement->base);
	free(replacement);
}

void replacement_open(struct replacement *replacement, unsigned session)
{
	unsigned sessions = (unsigned)replacement->options.scenario->load.sessions;

	if (session >= 1 && session <= sessions)
		load_open_one(replacement->load, sessions + session);
}

bool replacement_is_quiet(const struct replacement *replacement)
{
	return !replacement ||
		replacement->load->ended[REQUEST_OPEN] ==
		replacement->evidence.request_count;
}

/*
 * balancer - an HTTP reverse proxy whose backends come and go, for tests of graceful
 * shutdown.
 */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "balancer/backends.h"
#include "balancer/config.h"
#include "balancer/control.h"
#include "balancer/proxy.h"
#include "lib/fd_limit.h"
#include "lib/log.h"
#include "lib/settings.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/version.h"

enum {
	EXIT_OK,
	EXIT_USAGE = 2,
	EXIT_NO_START,
};

static const char about[] =
	"A balancer to test graceful shutdown with: an HTTP/1.1 reverse proxy that sends "
	"requests to its backends in turn, and whose faults are options: how late it "
	"hears that a backend is to get no more requests (--lag), how often it asks for "
	"their health, and how often it sends a request again.\n\n"
	"  balancer --port 8080 --backends 10.0.0.2:80,10.0.0.3:80 --control "
	"/run/balancer.sock\n"
	"  curl -X PUT --unix-socket /run/balancer.sock http://balancer/control/backends \\\n"
	"      -d '{\"backends\": [\"10.0.0.3:80\"]}'\n\n"
	"A backend that is taken out gets requests for the lag still; then those that it "
	"has go on, and its idle connections are closed. GET /control/backends shows all "
	"of them with their state. The header X-Backend of an answer says who gave it. "
	"Without a backend the answer is 503 with Retry-After, where a backend gave none "
	"it is 502, and 504 where the time was over.\n\n"
	"Events are JSON lines on stderr: balancer.listening has the port; backend.added, "
	"up, failing, down, leaving, kept, out and closed; request.retried and "
	"request.failed. After SIGTERM it takes no new connection, answers what it has, "
	"and exits with 0; a second SIGTERM ends it at once.\n\n"
	"Exit codes: 0 ended; 2 bad usage; 3 could not start.\n";

struct balancer_program {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	struct backends *backends;
	struct proxy *proxy;
	struct control *control;
	bool ends;
};

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

static void on_drained(void *arg)
{
	struct balancer_program *program = arg;

	log_event("balancer.drained");
	uv_stop(&program->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct balancer_program *program = signal->data;

	log_event("balancer.stopping", "signal", LOG_INT(number));
	if (program->ends)
		uv_stop(&program->loop);
	else
		proxy_drain(program->proxy, on_drained, program);
	program->ends = true;
}

/* On failure nothing is open. */
static bool begin_loop(struct balancer_program *program, struct err *err)
{
	int failed = uv_loop_init(&program->loop);

	if (failed)
		return err_set(err, "event loop: %s", uv_strerror(failed));
	/* Only the first one can fail: it makes the pipe of all. */
	failed = uv_signal_init(&program->loop, &program->term);
	if (failed) {
		uv_loop_close(&program->loop);
		return err_set(err, "signals: %s", uv_strerror(failed));
	}
	uv_signal_init(&program->loop, &program->interrupt);
	program->term.data = program->interrupt.data = program;
	uv_signal_start(&program->term, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	return true;
}

static void end_loop(struct balancer_program *program)
{
	signals_block_only(stop_signals);
	uv_close((uv_handle_t *)&program->term, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
}

static bool begin(struct balancer_program *program,
	const struct balancer_config *config, struct err *err)
{
	program->backends = backends_create(&program->loop, config);
	program->proxy = proxy_create(&program->loop, config, program->backends, err);
	if (!program->proxy)
		return false;
	if (config->control)
		program->control = control_create(
			&program->loop, config->control, program->backends, err);
	if (config->control && !program->control)
		return false;
	return !config->backends ||
		backends_set_text(program->backends, config->backends, err) ||
		err_while(err, "--backends");
}

static bool serve(struct balancer_program *program,
	const struct balancer_config *config, struct err *err)
{
	bool ok;

	if (fd_limit_raise(err) == 0 || !begin_loop(program, err))
		return false;
	ok = begin(program, config, err);
	if (ok) {
		log_event("balancer.listening", "port",
			LOG_INT(proxy_port(program->proxy)));
		signals_block_only(NULL);
		uv_run(&program->loop, UV_RUN_DEFAULT);
	}
	proxy_destroy(program->proxy);
	control_destroy(program->control);
	backends_destroy(program->backends);
	end_loop(program);
	return ok;
}

static int complain(const struct err *err, int exit_code)
{
	fprintf(stderr, "balancer: %s\n", err->text);
	return exit_code;
}

static bool check(const struct balancer_config *config, struct err *err)
{
	if (config->health_interval_ns == 0)
		return err_set(err, "--health-interval: expected more than 0s");
	return !config->health_path || config->health_path[0] == '/' ||
		err_set(err, "--health-path: expected a path such as /ready");
}

int main(int argc, char **argv)
{
	struct balancer_config config = {0};
	struct balancer_program program = {0};
	struct err err;
	int code = EXIT_OK;

	standard_files_open(EXIT_NO_START);
	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	argp_program_version = "balancer " STOPBENCH_VERSION;
	if (!settings_read(
		    balancer_settings, "BALANCER_", &config, argc, argv, about, &err))
		return complain(&err, EXIT_USAGE);
	if (!check(&config, &err))
		code = complain(&err, EXIT_USAGE);
	else if (!serve(&program, &config, &err))
		code = complain(&err, EXIT_NO_START);
	fields_done(balancer_settings, &config);
	return code;
}

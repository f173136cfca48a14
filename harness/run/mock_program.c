#include "harness/run/mock_program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"
#include "lib/web_listen.h"

#define UP_NS   (10 * CLOCK_S)
#define STOP_NS (2 * CLOCK_S)

struct mock_program {
	struct mock_options options;
	char *host;        /* its name */
	char *url;         /* as the service reaches it */
	char *control_url; /* as we do */
	struct reaper *reaper;
	struct child *child;     /* beside the harness */
	struct subject *subject; /* or in a container */
	const char *listening;
	int64_t started_ns;
	bool exited;
	struct buf output; /* why it could not start */
};

static void on_output(void *arg, const char *data, size_t len)
{
	struct mock_program *mock = arg;

	buf_add(&mock->output, data, len);
}

static void on_log(void *arg, int64_t ns UNUSED, const char *line, size_t len)
{
	struct mock_program *mock = arg;

	buf_add(&mock->output, line, len);
	buf_adds(&mock->output, "\n");
}

static void on_child_exit(void *arg, int status UNUSED)
{
	struct mock_program *mock = arg;

	mock->exited = true;
}

/* Other mocks of the case were started earlier. */
static const struct event *listening_event(const struct mock_program *mock)
{
	return evidence_find_event(mock->options.evidence, EVENT_LEDGER,
		mock->listening, mock->started_ns);
}

static bool is_listening_or_gone(const void *arg)
{
	const struct mock_program *mock = arg;

	return !mock_program_running(mock) || listening_event(mock);
}

static bool is_gone(const void *arg)
{
	return ((const struct mock_program *)arg)->exited;
}

static bool is_stopped(const void *arg)
{
	return ((const struct mock_program *)arg)->subject->stopped;
}

static bool start_inside(struct mock_program *mock,
	const struct mock_program_spec *spec, const char *const *argv, struct err *err)
{
	mock->subject = engine_up(mock->options.engine,
		&(struct subject_spec){
			.name = spec->host,
			.command = argv,
			.run_folder = mock->options.folder,
			.network = mock->options.network,
			.stop_signal = "SIGTERM",
			.grace_ns = STOP_NS,
			.log = on_log,
			.arg = mock,
		},
		err);
	return mock->subject != NULL;
}

static void set_urls(struct mock_program *mock, int64_t port)
{
	const char *beside = mock->options.host ? mock->options.host : "127.0.0.1";

	mock->url = mem_textf(
		"http://%s:%lld", mock->subject ? mock->host : beside, (long long)port);
	mock->control_url = mem_textf("http://%s:%lld",
		mock->subject ? mock->subject->address : beside, (long long)port);
}

/* The socket is the mock's alone when it runs. */
static bool start_beside(struct mock_program *mock,
	const struct mock_program_spec *spec, const char *const *argv, struct err *err)
{
	const char *host = mock->options.host ? mock->options.host : "127.0.0.1";
	uint16_t port = 0;
	int listener = -1;

	if (spec->inetd && !web_listen_at(host, &port, &listener, err)) {
		if (listener >= 0)
			close(listener);
		return false;
	}
	mock->reaper = reaper_create(mock->options.loop, NULL, NULL, err);
	if (mock->reaper)
		mock->child = child_spawn(mock->reaper,
			&(struct child_spec){
				.argv = argv,
				.stdin_from = listener > 0 ? listener : 0,
				.on_stdout = on_output,
				.on_stderr = on_output,
				.on_exit = on_child_exit,
				.arg = mock,
			},
			err);
	if (listener >= 0) {
		close(listener);
		set_urls(mock, port);
	}
	return mock->child != NULL;
}

static bool start(struct mock_program *mock, const struct mock_program_spec *spec,
	struct err *err)
{
	const struct mock_options *options = &mock->options;
	bool inside = options->network != NULL;
	SCOPED(mem_free) char *file =
		mem_textf("%s/%s.json", options->folder, spec->host);
	SCOPED(mem_free)
	char *program = mem_textf("%s/%s", options->programs, spec->program);
	SCOPED(mem_free)
	char *port = !inside && spec->inetd
		? mem_text("--inetd=true")
		: mem_textf("--port=%d", inside ? spec->port_inside : 0);
	SCOPED(mem_free)
	char *seed = mem_textf("--seed=%llu", (unsigned long long)options->seed);
	SCOPED(mem_free) char *ledger = mem_textf("--ledger=%s", options->ledger);
	const char *host = inside ? "0.0.0.0" : options->host;
	SCOPED(mem_free) char *listen = host ? mem_textf("--host=%s", host) : NULL;
	const char *const argv[] = {inside ? spec->program : program, port,
		"--behavior", file, seed, ledger, listen, NULL};

	mock->started_ns = clock_now();
	return fs_write_file(file, spec->behavior, strlen(spec->behavior), err) &&
		(inside ? start_inside(mock, spec, argv, err)
			: start_beside(mock, spec, argv, err));
}

bool mock_program_await(struct mock_program *mock, struct err *err)
{
	const struct event *listening;

	wait_until(mock->options.loop, is_listening_or_gone, mock, clock_now() + UP_NS,
		mock->options.interrupted);
	listening = listening_event(mock);
	if (!listening)
		return err_set(err, "%s: it did not start to listen: %s", mock->host,
			buf_text(&mock->output));
	if (!mock->url)
		set_urls(mock, event_int(listening, "port", 0));
	return true;
}

struct mock_program *mock_program_up(const struct mock_options *options,
	const struct mock_program_spec *spec, struct err *err)
{
	struct mock_program *mock = mem_zeroed(sizeof *mock);

	mock->options = *options;
	mock->host = mem_text(spec->host);
	mock->listening = spec->listening;
	buf_init(&mock->output, 64 << 10);
	if (!start(mock, spec, err))
		err_while(err, "%s", spec->host);
	else if (mock->url || mock_program_await(mock, err))
		return mock;
	mock_program_down(mock);
	return NULL;
}

const char *mock_program_url(const struct mock_program *mock)
{
	return mock->url;
}

const char *mock_program_control_url(const struct mock_program *mock)
{
	return mock->control_url;
}

bool mock_program_running(const struct mock_program *mock)
{
	return mock->subject ? mock->subject->running : !mock->exited;
}

void mock_program_down(struct mock_program *mock)
{
	struct err ignored;

	if (!mock)
		return;
	if (mock->child && !mock->exited) {
		child_stop(mock->child, 0, STOP_NS);
		wait_until(mock->options.loop, is_gone, mock, clock_now() + 2 * STOP_NS,
			NULL);
	}
	if (mock->subject && subject_stop(mock->subject, &ignored))
		wait_until(mock->options.loop, is_stopped, mock,
			clock_now() + 2 * STOP_NS, NULL);
	child_destroy(mock->child);
	reaper_destroy(mock->reaper);
	subject_down(mock->subject);
	free(mock->host);
	free(mock->url);
	free(mock->control_url);
	buf_done(&mock->output);
	free(mock);
}

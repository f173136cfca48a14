#include "harness/command/command.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/programs.h"
#include "harness/witness/watch.h"
#include "harness/witness/witness_server.h"
#include "lib/fd_limit.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/signals.h"
#include "lib/terminal.h"

#define WIDTH 80

struct witness {
	/* The options. */
	const char *label, *listen, *tls;
	bool json;
	pid_t parent; /* to end with; 0: none */

	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct terminal terminal;
	struct engine *engine;
	cJSON *about; /* the engine's fingerprint; NULL: it is not told */
	struct watch *watch;
	struct witness_server *server; /* NULL: it prints, or does not listen yet */
	bool printed;
};

/* --- what it tells --- */

/* Takes json. */
static void print_line(const char *what, cJSON *json)
{
	SCOPED(json_free) cJSON *whole = cJSON_CreateObject();
	SCOPED(mem_free) char *text = NULL;

	cJSON_AddItemToObject(whole, what, json);
	text = json_print_inert(whole, false);
	puts(text);
	fflush(stdout);
}

static void on_watching(void *arg, const struct watched_stop *watched)
{
	struct witness *witness = arg;

	if (witness->server)
		witness_server_tell_watching(witness->server, watched);
	else if (witness->json)
		print_line("watching", watched_stop_json(watched));
}

static void on_stopped(
	void *arg, const struct watched_stop *watched, const struct stop_report *report)
{
	struct witness *witness = arg;

	if (witness->server) {
		witness_server_tell_stop(witness->server, watched);
	} else if (witness->json) {
		print_line("stop", watched_stop_report_json(watched));
	} else {
		if (witness->printed)
			puts("");
		witness->printed = true;
		stop_report_print(report, &witness->terminal, stdout);
		fflush(stdout);
	}
}

static void on_missed(void *arg, const char *id, const struct subject_about *about)
{
	struct witness *witness = arg;

	if (witness->server)
		witness_server_tell_missed(witness->server, id, about);
	else
		terminal_print(stderr,
			"stopbench: %s ended before it could be watched\n",
			about ? about->name : id);
}

static void on_away(void *arg UNUSED, const struct err *why)
{
	if (why)
		terminal_print(
			stderr, "stopbench: the engine is away: %s\n", why->text);
	else
		terminal_print(stderr, "stopbench: the engine is back\n");
}

/* --- open, turn, close --- */

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	((struct witness *)signal->data)->interrupted = true;
}

static void catch_signals(struct witness *witness)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signals_ignore_sigpipe();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&witness->loop, &witness->signals[i]);
		witness->signals[i].data = witness;
		uv_signal_start(&witness->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&witness->signals[i]);
	}
}

static bool open_watch(struct witness *witness, struct err *err)
{
	SCOPED(mem_free) char *programs = programs_folder();

	witness->engine = engine_create(&witness->loop, "docker",
		&(struct engine_options){
			.run_id = "witness",
			.programs = programs,
			.interrupted = &witness->interrupted,
		},
		err);
	if (!witness->engine)
		return false;
	witness->watch = watch_create(
		&(struct watch_options){
			.loop = &witness->loop,
			.engine = witness->engine,
			.label = witness->label,
			.watching = on_watching,
			.stopped = on_stopped,
			.missed = on_missed,
			.away = on_away,
			.arg = witness,
		},
		err);
	return witness->watch != NULL;
}

static bool serve(struct witness *witness, struct err *err)
{
	const char *version;

	witness->about = engine_fingerprint(witness->engine);
	version = json_text(witness->about, "daemon_version");
	witness->server = witness_server_create(
		&(struct witness_server_options){
			.loop = &witness->loop,
			.address = witness->listen,
			.tls = witness->tls,
			.node = witness->engine->machine,
			.engine = version ? version : "",
			.not_seen = witness->engine->capabilities.note,
			.watch = witness->watch,
		},
		err);
	return witness->server != NULL;
}

static void say_ready(const struct witness *witness)
{
	SCOPED(mem_free)
	char *address =
		witness->server ? witness_server_address(witness->server) : NULL;
	const char *note = witness->engine->capabilities.note;

	terminal_print(stderr, "stopbench: watching %u container%s of %s%s%s\n",
		watch_count(witness->watch),
		watch_count(witness->watch) == 1 ? "" : "s", witness->engine->machine,
		address ? ", listening on " : "", address ? address : "");
	if (note[0])
		terminal_print(stderr, "stopbench: not seen: %s\n", note);
}

static bool run(struct witness *witness)
{
	struct err err;

	if (!fd_limit_raise(&err) || !open_watch(witness, &err) ||
		(witness->listen && !serve(witness, &err))) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	say_ready(witness);
	while (!witness->interrupted) {
		uv_run(&witness->loop, UV_RUN_ONCE);
		watch_work(witness->watch);
	}
	return true;
}

static void release(struct witness *witness)
{
	witness_server_destroy(witness->server);
	watch_destroy(witness->watch);
	engine_destroy(witness->engine);
	cJSON_Delete(witness->about);
	for (size_t i = 0; i < COUNT(witness->signals); i++)
		uv_close((uv_handle_t *)&witness->signals[i], NULL);
	uv_run(&witness->loop, UV_RUN_DEFAULT);
	uv_loop_close(&witness->loop);
}

/* --- the command --- */

enum {
	KEY_PARENT = 256,
};

static const struct argp_option option_table[] = {
	{"label", 'l', "NAME[=VALUE]", 0, "only containers with this label", 0},
	{"listen", 'L', "ADDRESS", 0,
		"tell over HTTP, at unix:///PATH or https://ADDRESS:PORT (the default: print)",
		0},
	{"tls", 'T', "FOLDER", 0,
		"of https: ca.pem, cert.pem and key.pem; clients need a certificate that ca.pem "
		"signed",
		0},
	{"json", 'j', NULL, 0, "print a line of JSON for each container and each stop",
		0},
	{"parent", KEY_PARENT, "PID", OPTION_HIDDEN,
		"end with this process, its parent", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct witness *witness = state->input;

	switch (key) {
	case 'l':
		if (!value[0] || value[0] == '=')
			argp_error(state, "--label: expected NAME or NAME=VALUE");
		witness->label = value;
		return 0;
	case 'L':
		witness->listen = value;
		return 0;
	case 'T':
		witness->tls = value;
		return 0;
	case 'j':
		witness->json = true;
		return 0;
	case KEY_PARENT:
		witness->parent = (pid_t)strtol(value, NULL, 10);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "it watches all containers, or those with --label");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.doc = "Watches the containers of this node, and says of each that stops how it "
	       "ended, why, and what cures it, as `stopbench stop` does. It stops nothing: "
	       "others do, with docker, an orchestrator or a reboot.\v"
	       "Exit codes: 0 it was told to end (SIGTERM, Ctrl-C), 2 bad usage, 3 it "
	       "cannot watch: no daemon, an address that is taken.",
};

int cmd_witness(int argc, char **argv)
{
	struct witness witness = {.terminal = terminal_of(stdout)};
	bool ok;

	options_parse(&parser, argc, argv, &witness);
	if (witness.parent) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != witness.parent)
			return EXIT_NOT_RUN;
	}
	if (witness.terminal.width == 0 || witness.terminal.width > WIDTH)
		witness.terminal.width = WIDTH;
	uv_loop_init(&witness.loop);
	catch_signals(&witness);
	ok = run(&witness);
	release(&witness);
	return ok ? EXIT_MET : EXIT_NOT_RUN;
}

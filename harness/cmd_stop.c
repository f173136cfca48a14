#include "harness/command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "harness/compose_project.h"
#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/programs.h"
#include "harness/report/stop_report.h"
#include "harness/report/terminal.h"
#include "harness/run/observe.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/signals.h"
#include "lib/wait.h"

#define GRACE_MAX_S 1000000
#define WIDTH       80

enum target_state {
	TARGET_WAITING, /* for those that depend on it */
	TARGET_STOPPING,
	TARGET_OVER, /* stopped, or it cannot be */
};

/* One container to be stopped. */
struct target {
	const char *name; /* as it was named */
	bool is_pid;
	const struct compose_container *service; /* NULL: not of a compose file */
	enum target_state state;
	struct subject *subject;
	struct sampler *sampler; /* while its stop is under way */
	struct scenario scenario;
	struct evidence evidence;
	struct judgement judgement;
};

struct stops {
	/* The options. */
	int64_t grace_ns;
	const char *signal;
	bool json;
	const char *compose_file; /* NULL: containers are named */
	const char **names;       /* of containers, or of services */
	const char **pids;
	unsigned name_count, pid_count;

	struct compose_project project;
	struct target *targets;
	unsigned count, printed;
	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct engine *docker, *process; /* NULL: not needed */
	struct terminal terminal;
	cJSON *report;
	int code;
};

static void worsen(struct stops *stops, int code)
{
	if (code > stops->code)
		stops->code = code;
}

/* --- attach --- */

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct target *target = arg;

	evidence_add_log(&target->evidence, ns, line, len);
}

static void on_wrong(void *arg UNUSED, const struct err *err)
{
	terminal_print(stderr, "stopbench: %s\n", err->text);
}

/* What the judge needs to know of a program that no scenario describes. */
static bool describe(struct target *target)
{
	const struct subject_about *about = target->subject->about;
	SCOPED(json_free)
	cJSON *root = json_fill(NULL,
		"{'name': %s, 'service': {'image': %s, 'mocks': false}}", about->name,
		about->image);
	const struct json_doc doc = {.name = about->name, .root = root};

	if (!scenario_read(&target->scenario, &doc, root, on_wrong, NULL))
		return false;
	target->scenario.stop.grace_ns = about->grace_ns;
	return true;
}

static bool attach(struct stops *stops, struct target *target)
{
	struct engine *engine = target->is_pid ? stops->process : stops->docker;
	struct evidence *evidence = &target->evidence;
	struct err err = {0};

	evidence->engine = engine->kind->name;
	evidence->capabilities = engine->capabilities;
	evidence->capabilities.pid1_rules = !target->is_pid;
	evidence->began_ns = clock_now();
	target->subject = engine_attach(engine,
		&(struct attach_spec){
			.name = target->name,
			.grace_ns = stops->grace_ns,
			.stop_signal = stops->signal,
			.log = on_log,
			.arg = target,
		},
		&err);
	if (!target->subject) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	evidence->up_ns = evidence->ready_ns = clock_now();
	if (!target->subject->running && !target->subject->about->restarting) {
		terminal_print(stderr,
			"stopbench: %s is not running (exit code %lld): `docker stop` would do "
			"nothing\n",
			target->name, (long long)target->subject->about->exit_code);
		return false;
	}
	return describe(target);
}

/* --- stop --- */

static void print(struct stops *stops, struct target *target)
{
	const struct stop_report report = {
		.about = target->subject->about,
		.own_grace = stops->grace_ns == ATTACH_OWN_GRACE,
		.scenario = &target->scenario,
		.evidence = &target->evidence,
		.judgement = &target->judgement,
	};

	if (stops->json) {
		cJSON_AddItemToArray(stops->report, stop_report_json(&report));
		return;
	}
	if (stops->printed++)
		puts("");
	stop_report_print(&report, &stops->terminal, stdout);
	fflush(stdout);
}

static void finish(struct stops *stops, struct target *target)
{
	struct evidence *evidence = &target->evidence;
	struct err err = {0};

	sampler_end(target->sampler);
	target->sampler = NULL;
	target->state = TARGET_OVER;
	evidence->stopped_ns = clock_now();
	if (!observe_facts(target->subject, evidence, &err))
		terminal_print(stderr, "stopbench: %s\n", err.text);
	evidence->ended_ns = clock_now();
	judge(&target->judgement, &target->scenario, evidence);
	worsen(stops,
		!target->judgement.could_run                         ? EXIT_NOT_RUN
			: target->judgement.verdict == VERDICT_CLEAN ? EXIT_MET
								     : EXIT_UNMET);
	print(stops, target);
}

static void begin(struct stops *stops, struct target *target)
{
	struct err err = {0};

	target->sampler = observe_stop(&stops->loop, target->subject,
		target->scenario.stop.grace_ns, &target->evidence, &err);
	target->state = target->sampler ? TARGET_STOPPING : TARGET_OVER;
	if (target->sampler)
		return;
	terminal_print(stderr, "stopbench: stop %s: %s\n", target->name, err.text);
	worsen(stops, EXIT_NOT_RUN);
}

static unsigned count_in(const struct stops *stops, enum target_state state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stops->count; i++)
		count += stops->targets[i].state == state;
	return count;
}

/* Does another one, which depends on it, have to be stopped first? */
static bool is_needed(const struct stops *stops, const struct target *target)
{
	for (unsigned i = 0; target->service && i < stops->count; i++) {
		const struct target *other = &stops->targets[i];

		if (other->state != TARGET_OVER &&
			compose_project_depends(
				&stops->project, other->service, target->service))
			return true;
	}
	return false;
}

static void begin_all(struct stops *stops)
{
	bool none_goes = count_in(stops, TARGET_STOPPING) == 0;

	for (unsigned i = 0; i < stops->count; i++) {
		struct target *target = &stops->targets[i];

		if (target->state == TARGET_WAITING && !is_needed(stops, target)) {
			begin(stops, target);
			none_goes = false;
		}
	}
	/* Services that depend on each other in a circle. */
	for (unsigned i = 0; none_goes && i < stops->count; i++) {
		if (stops->targets[i].state == TARGET_WAITING)
			begin(stops, &stops->targets[i]);
	}
}

static bool is_over(const struct target *target)
{
	return target->state == TARGET_STOPPING && target->subject->stopped;
}

static bool has_one_over(const void *arg)
{
	const struct stops *stops = arg;

	for (unsigned i = 0; i < stops->count; i++) {
		if (is_over(&stops->targets[i]))
			return true;
	}
	return false;
}

/* Each has a bound of its own, but for a container without a grace. */
static bool await_one(struct stops *stops)
{
	if (count_in(stops, TARGET_STOPPING) == 0 ||
		wait_until(&stops->loop, has_one_over, stops, INT64_MAX,
			&stops->interrupted) == WAIT_SO)
		return true;
	fputs("stopbench: interrupted: the engine goes on with the stop\n", stderr);
	worsen(stops, EXIT_NOT_RUN);
	return false;
}

static void stop_all(struct stops *stops)
{
	for (unsigned i = 0; i < stops->count; i++) {
		if (attach(stops, &stops->targets[i]))
			continue;
		stops->targets[i].state = TARGET_OVER;
		worsen(stops, EXIT_NOT_RUN);
	}
	while (count_in(stops, TARGET_OVER) < stops->count) {
		begin_all(stops);
		if (!await_one(stops))
			return;
		for (unsigned i = 0; i < stops->count; i++) {
			if (is_over(&stops->targets[i]))
				finish(stops, &stops->targets[i]);
		}
	}
}

/* --- what to stop --- */

static void add_target(struct stops *stops, const struct target *target)
{
	stops->targets =
		mem_grown(stops->targets, stops->count + 1, sizeof *stops->targets);
	stops->targets[stops->count++] = *target;
}

static struct engine *open_engine(
	struct stops *stops, const char *name, struct err *err)
{
	SCOPED(mem_free) char *programs = programs_folder();

	return engine_create(&stops->loop, name,
		&(struct engine_options){
			.run_id = "stop",
			.programs = programs,
			.interrupted = &stops->interrupted,
		},
		err);
}

/* Compose passes over what does not run, and so is it here. */
static bool choose_services(struct stops *stops, struct err *err)
{
	SCOPED(json_free)
	cJSON *listed = engine_containers(stops->docker, COMPOSE_PROJECT_LABEL, err);

	if (!listed ||
		!compose_project_read(&stops->project, listed, stops->compose_file,
			stops->names, stops->name_count, err))
		return false;
	for (unsigned i = 0; i < stops->project.count; i++) {
		const struct compose_container *container =
			&stops->project.containers[i];

		if (container->chosen && container->running)
			add_target(stops,
				&(struct target){
					.name = container->name, .service = container});
	}
	return stops->count > 0 ||
		err_set(err, "%s: nothing runs of project \"%s\"", stops->compose_file,
			stops->project.name);
}

static bool choose_containers(struct stops *stops, struct err *err)
{
	if (!stops->compose_file && stops->name_count == 0)
		return true;
	stops->docker = open_engine(stops, "docker", err);
	if (!stops->docker || stops->compose_file)
		return stops->docker && choose_services(stops, err);
	for (unsigned i = 0; i < stops->name_count; i++)
		add_target(stops, &(struct target){.name = stops->names[i]});
	return true;
}

static bool choose_processes(struct stops *stops, struct err *err)
{
	if (stops->pid_count > 0)
		stops->process = open_engine(stops, "process", err);
	for (unsigned i = 0; i < stops->pid_count; i++)
		add_target(stops,
			&(struct target){.name = stops->pids[i], .is_pid = true});
	return stops->pid_count == 0 || stops->process;
}

static bool choose(struct stops *stops)
{
	struct err err;

	if (choose_containers(stops, &err) && choose_processes(stops, &err))
		return true;
	terminal_print(stderr, "stopbench: %s\n", err.text);
	return false;
}

/* --- the command --- */

static const struct argp_option option_table[] = {
	{"time", 't', "SECONDS", 0,
		"the grace: SIGKILL after so many seconds; -1: never (the default: the "
		"container's own, else 10)",
		0},
	{"signal", 's', "SIGNAL", 0,
		"the stop signal (the default: the container's own)", 0},
	{"compose", 'c', "FILE", 0,
		"the containers of this compose file, or of the services named, each after those "
		"that depend on it",
		0},
	{"pid", 'p', "PID", 0,
		"a process that is in no container; SIGTERM unless --signal is given, and a grace "
		"of 10 s unless --time is",
		0},
	{"json", 'j', NULL, 0, "print an array of JSON objects", 0},
	{0},
};

static int64_t read_grace(struct argp_state *state, const char *value)
{
	char *end;
	long long seconds = strtoll(value, &end, 10);

	if (!value[0] || *end || seconds < -1 || seconds > GRACE_MAX_S)
		argp_error(state,
			"--time: whole seconds, at most %d, or -1, not \"%s\"",
			GRACE_MAX_S, value);
	return seconds < 0 ? ATTACH_NO_GRACE_NS : seconds * CLOCK_S;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct stops *stops = state->input;

	switch (key) {
	case 't':
		stops->grace_ns = read_grace(state, value);
		return 0;
	case 's':
		if (signal_number(value) == 0)
			argp_error(state, "--signal: there is no signal \"%s\"", value);
		stops->signal = value;
		return 0;
	case 'j':
		stops->json = true;
		return 0;
	case 'p':
		stops->pids[stops->pid_count++] = value;
		return 0;
	case 'c':
		stops->compose_file = value;
		return 0;
	case ARGP_KEY_ARG:
		stops->names[stops->name_count++] = value;
		return 0;
	case ARGP_KEY_END:
		if (stops->name_count == 0 && !stops->compose_file &&
			stops->pid_count == 0)
			argp_error(state, "name a container");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "CONTAINER...\n--compose FILE [SERVICE...]\n--pid PID",
	.doc = "Stops running containers as `docker stop` does, side by side, and says of "
	       "each how it ended, why, and what cures it. Nothing else is touched."
	       "\vExit codes: 0 every stop was clean, 1 one was not, or is not proven to "
	       "be, 2 bad usage, 3 a container could not be stopped: no daemon, no such "
	       "container, not running.",
};

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	((struct stops *)signal->data)->interrupted = true;
}

static void catch_signals(struct stops *stops)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signals_ignore_sigpipe();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&stops->loop, &stops->signals[i]);
		stops->signals[i].data = stops;
		uv_signal_start(&stops->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&stops->signals[i]);
	}
}

static void print_json(const struct stops *stops)
{
	SCOPED(mem_free) char *text = json_print_inert(stops->report, true);

	puts(text);
}

/* The last user of a tracepoint waits for all processors when it lets go, some 50 ms for
 * each: a process that shares our descriptors, and ends after us, waits in our place. */
static void release_later(void)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static void release(struct stops *stops)
{
	fflush(stdout);
	release_later();
	for (unsigned i = 0; i < stops->count; i++) {
		struct target *target = &stops->targets[i];

		sampler_end(target->sampler);
		subject_detach(target->subject);
		evidence_done(&target->evidence);
		scenario_done(&target->scenario);
	}
	engine_destroy(stops->docker);
	engine_destroy(stops->process);
	uv_run(&stops->loop, UV_RUN_DEFAULT);
	cJSON_Delete(stops->report);
	compose_project_done(&stops->project);
	free(stops->targets);
	free(stops->names);
	free(stops->pids);
}

int cmd_stop(int argc, char **argv)
{
	struct stops stops = {
		.grace_ns = ATTACH_OWN_GRACE,
		.terminal = terminal_of(stdout),
	};

	/* No list is longer than the command line. */
	stops.names = mem_zeroed(sizeof *stops.names * (size_t)(argc + 1));
	stops.pids = mem_zeroed(sizeof *stops.pids * (size_t)(argc + 1));
	options_parse(&parser, argc, argv, &stops);
	if (stops.terminal.width == 0 || stops.terminal.width > WIDTH)
		stops.terminal.width = WIDTH;
	stops.report = cJSON_CreateArray();
	uv_loop_init(&stops.loop);
	catch_signals(&stops);
	if (choose(&stops))
		stop_all(&stops);
	else
		worsen(&stops, EXIT_NOT_RUN);
	if (stops.json)
		print_json(&stops);
	release(&stops);
	return stops.code;
}

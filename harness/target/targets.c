#include "harness/target/targets.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/programs.h"
#include "harness/target/attached_scenario.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/terminal.h"

#define GRACE_MAX_S 1000000
#define DOCKER      "docker"

/* --- the loop --- */

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	((struct targets *)signal->data)->interrupted = true;
}

static void catch_signals(struct targets *targets)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signals_ignore_sigpipe();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&targets->loop, &targets->signals[i]);
		targets->signals[i].data = targets;
		uv_signal_start(&targets->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&targets->signals[i]);
	}
}

void targets_init(struct targets *targets, int argc)
{
	*targets = (struct targets){
		.grace_ns = ATTACH_OWN_GRACE,
		.engine_name = DOCKER,
		.names = mem_zeroed(sizeof *targets->names * (size_t)(argc + 1)),
		.pids = mem_zeroed(sizeof *targets->pids * (size_t)(argc + 1)),
	};
	uv_loop_init(&targets->loop);
	catch_signals(targets);
}

/* --- the options --- */

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

static bool is_pid(const char *value)
{
	char *end;
	long pid = strtol(value, &end, 10);

	return value[0] && !*end && pid > 0 && pid <= INT32_MAX;
}

static void check_compose_file(struct argp_state *state, const char *path)
{
	SCOPED(buf_done) struct buf text = {.ceiling = JSON_FILE_CEILING};

	if (!fs_read_file(&text, path))
		argp_error(state, "--compose: %s: %s", path, strerror(errno));
}

error_t targets_parse_option(
	struct targets *targets, int key, char *value, struct argp_state *state)
{
	switch (key) {
	case 't':
		targets->grace_ns = read_grace(state, value);
		return 0;
	case 's':
		if (signal_number(value) == 0)
			argp_error(state, "--signal: there is no signal \"%s\"", value);
		targets->signal = value;
		return 0;
	case 'e':
		if (!engine_kind_has_containers(value))
			argp_error(state, "--engine: docker or cri, not \"%s\"", value);
		targets->engine_name = value;
		return 0;
	case 'j':
		targets->json = true;
		return 0;
	case 'p':
		if (!is_pid(value))
			argp_error(state, "--pid: \"%s\" is no pid", value);
		targets->pids[targets->pid_count++] = value;
		return 0;
	case 'c':
		check_compose_file(state, value);
		targets->compose_file = value;
		return 0;
	case ARGP_KEY_ARG:
		if (!value[0])
			argp_error(state, "\"\" is no name");
		targets->names[targets->name_count++] = value;
		return 0;
	case ARGP_KEY_END:
		if (targets->name_count == 0 && !targets->compose_file &&
			targets->pid_count == 0)
			argp_error(state, "name a container");
		if (targets->compose_file && strcmp(targets->engine_name, DOCKER) != 0)
			argp_error(state, "--compose: its containers are Docker's");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what is named --- */

static void add_target(struct targets *targets, const struct target *target)
{
	targets->list =
		mem_grown(targets->list, targets->count + 1, sizeof *targets->list);
	targets->list[targets->count++] = *target;
}

static struct engine *open_engine(
	struct targets *targets, const char *name, struct err *err)
{
	SCOPED(mem_free) char *programs = programs_folder();

	return engine_create(&targets->loop, name,
		&(struct engine_options){
			.run_id = targets->run_id,
			.programs = programs,
			.interrupted = &targets->interrupted,
		},
		err);
}

/* Compose passes over what does not run, and so is it here. */
static bool choose_services(struct targets *targets, struct err *err)
{
	SCOPED(json_free)
	cJSON *listed =
		engine_containers(targets->containers, COMPOSE_PROJECT_LABEL, err);

	if (!listed ||
		!compose_project_read(&targets->project, listed, targets->compose_file,
			targets->names, targets->name_count, err))
		return false;
	for (unsigned i = 0; i < targets->project.count; i++) {
		const struct compose_container *container =
			&targets->project.containers[i];

		if (container->chosen && container->running)
			add_target(targets,
				&(struct target){
					.name = container->name, .service = container});
	}
	return targets->count > 0 ||
		err_set(err, "%s: nothing runs of project \"%s\"",
			targets->compose_file, targets->project.name);
}

static bool choose_containers(struct targets *targets, struct err *err)
{
	if (!targets->compose_file && targets->name_count == 0)
		return true;
	targets->containers = open_engine(targets, targets->engine_name, err);
	if (!targets->containers || targets->compose_file)
		return targets->containers && choose_services(targets, err);
	for (unsigned i = 0; i < targets->name_count; i++)
		add_target(targets, &(struct target){.name = targets->names[i]});
	return true;
}

static bool choose_processes(struct targets *targets, struct err *err)
{
	if (targets->pid_count > 0)
		targets->process = open_engine(targets, "process", err);
	for (unsigned i = 0; i < targets->pid_count; i++)
		add_target(targets,
			&(struct target){.name = targets->pids[i], .is_pid = true});
	return targets->pid_count == 0 || targets->process;
}

/* --- attach --- */

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct target *target = arg;

	evidence_add_log(&target->evidence, ns, line, len);
}

bool targets_attach(struct targets *targets, struct target *target)
{
	struct engine *engine = target->is_pid ? targets->process : targets->containers;
	struct evidence *evidence = &target->evidence;
	struct err err = {0};

	evidence->engine = engine->kind->name;
	evidence->capabilities = engine->capabilities;
	evidence->capabilities.pid1_rules = !target->is_pid;
	evidence->began_ns = clock_now();
	target->subject = engine_attach(engine,
		&(struct attach_spec){
			.name = target->name,
			.grace_ns = targets->grace_ns,
			.stop_signal = targets->signal,
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
			"stopbench: %s is not running (exit code %lld): %s would do nothing\n",
			target->name, (long long)target->subject->about->exit_code,
			engine->kind == &engine_kinds[ENGINE_KIND_cri]
				? "StopContainer"
				: "`docker stop`");
		return false;
	}
	return attached_scenario_read(&target->scenario, target->subject->about);
}

/* --- open and close --- */

static bool choose(struct targets *targets)
{
	struct err err;

	if (choose_containers(targets, &err) && choose_processes(targets, &err))
		return true;
	terminal_print(stderr, "stopbench: %s\n", err.text);
	return false;
}

bool targets_open(struct targets *targets, const char *run_id)
{
	targets->run_id = run_id;
	return choose(targets);
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

void targets_close(struct targets *targets)
{
	fflush(stdout);
	release_later();
	for (unsigned i = 0; i < targets->count; i++) {
		struct target *target = &targets->list[i];

		subject_detach(target->subject);
		evidence_done(&target->evidence);
		scenario_done(&target->scenario);
	}
	engine_destroy(targets->containers);
	engine_destroy(targets->process);
	for (size_t i = 0; i < COUNT(targets->signals); i++)
		uv_close((uv_handle_t *)&targets->signals[i], NULL);
	uv_run(&targets->loop, UV_RUN_DEFAULT);
	uv_loop_close(&targets->loop);
	compose_project_done(&targets->project);
	free(targets->list);
	free(targets->names);
	free(targets->pids);
}

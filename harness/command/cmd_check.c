#include "harness/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/check/check.h"
#include "harness/check/check_service.h"
#include "harness/engine/signal_takers.h"
#include "harness/report/check_report.h"
#include "harness/target/service_targets.h"
#include "harness/target/targets.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/proc_file.h"
#include "lib/wait.h"

#define WIDTH      80
#define TAKERS_MAX 64 /* processes whose threads are looked at */

/* One target, looked at and left alone. */
struct look {
	struct target *target;
	bool attached;
	struct signal_takers takers[TAKERS_MAX];
	unsigned taker_count;
};

struct checks {
	struct targets targets;
	const char *service_name; /* of Swarm; NULL: containers are named */
	struct service_targets service;
	struct look *list; /* one for each target */
	struct stacks *stacks;
	const char *stacks_file; /* NULL: those that are built in */
	struct terminal terminal;
	unsigned printed;
	cJSON *report;
	int code;
};

static void worsen(struct checks *checks, int code)
{
	if (code > checks->code)
		checks->code = code;
}

/* --- looking --- */

static void look_at_takers(struct look *look, const struct snapshot *snapshot)
{
	int number = look->target->subject->facts.stop_signal;

	for (unsigned i = 0; i < snapshot->count; i++) {
		pid_t pid = snapshot->procs[i].pid;
		unsigned at = 0;

		if (snapshot->procs[i].state == 'Z')
			continue;
		while (at < look->taker_count && look->takers[at].pid != pid)
			at++;
		if (at == TAKERS_MAX)
			return;
		if (at == look->taker_count)
			look->takers[look->taker_count++] =
				(struct signal_takers){.pid = pid};
		signal_takers_look(&look->takers[at], number);
	}
}

/* Connections are read at the second look. */
static void look_at(struct look *look, bool sockets)
{
	const struct subject *subject = look->target->subject;
	struct snapshot snapshot = {0};
	struct err err;

	if (!look->attached || subject->pid <= 0 || !subject->running ||
		!snapshot_take(&snapshot, subject->pid, sockets, NULL, &err))
		return;
	look_at_takers(look, &snapshot);
	evidence_add_snapshot(&look->target->evidence, &snapshot);
}

static bool never(const void *arg UNUSED)
{
	return false;
}

/* False: Ctrl-C. */
static bool look_twice(struct checks *checks)
{
	unsigned count = checks->targets.count;
	int64_t again_ns;

	checks->list = mem_zeroed(sizeof *checks->list * (count + 1));
	for (unsigned i = 0; i < count; i++) {
		struct look *look = &checks->list[i];

		look->target = &checks->targets.list[i];
		look->attached = targets_attach(&checks->targets, look->target);
		look_at(look, false);
	}
	again_ns = clock_now() + CHECK_BETWEEN_NS;
	if (wait_until(&checks->targets.loop, never, NULL, again_ns,
		    &checks->targets.interrupted) == WAIT_INTERRUPTED)
		return false;
	for (unsigned i = 0; i < count; i++)
		look_at(&checks->list[i], true);
	return true;
}

/* --- telling --- */

static void tell(struct checks *checks, const struct check_report *report)
{
	if (checks->targets.json) {
		cJSON_AddItemToArray(checks->report, check_report_json(report));
		return;
	}
	if (checks->printed++)
		puts("");
	check_report_print(report, &checks->terminal, stdout);
}

static int code_of(const struct check *check)
{
	if (check_level(check) == CHECK_WILL_FAIL)
		return EXIT_UNMET;
	return check->known || check_level(check) == CHECK_MAY_FAIL ? EXIT_MET
								    : EXIT_NOT_RUN;
}

/* For how long the process has been there. */
static int64_t age_of(pid_t pid)
{
	SCOPED(buf_done) struct buf text = {.ceiling = 4096};
	unsigned long long began_ticks;
	struct timespec now;
	const char *at;

	if (pid <= 0 || !proc_file_read(&text, pid, "stat"))
		return INT64_MAX;
	/* The 22nd field; the second is a name in brackets. */
	at = strrchr(buf_text(&text), ')');
	if (!at ||
		sscanf(at + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			"%*d %*d %*d %llu",
			&began_ticks) != 1)
		return INT64_MAX;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * CLOCK_S + now.tv_nsec -
		(int64_t)began_ticks * (CLOCK_S / sysconf(_SC_CLK_TCK));
}

/* As of a stop that is asked for now. */
static void check_one(struct checks *checks, struct look *look)
{
	struct target *target = look->target;
	struct evidence *evidence = &target->evidence;
	struct check check;
	struct view view;
	const struct check_input input = {
		.view = &view,
		.about = target->subject->about,
		.stacks = checks->stacks,
		.takers = look->takers,
		.taker_count = look->taker_count,
		.age_ns = age_of(target->subject->pid),
	};

	evidence->facts = target->subject->facts;
	evidence->facts.asked_ns = clock_now();
	view_open(&view, &target->scenario, evidence);
	check_find(&check, &input);
	tell(checks,
		&(struct check_report){
			.own_grace = checks->service.own_grace ||
				checks->targets.grace_ns == ATTACH_OWN_GRACE,
			.input = &input,
			.check = &check,
		});
	worsen(checks, code_of(&check));
	view_close(&view);
}

/* Its settings; of one that was not found in full nothing is told. */
static void check_service(struct checks *checks)
{
	struct service_targets *service = &checks->service;
	const struct cluster *cluster = service->cluster;
	struct check check = {.known = true};
	const struct check_service_report report = {
		.service = checks->service_name,
		.orchestrator = cluster->kind,
		.grace_ns = cluster->grace_ns,
		.check = &check,
		.tasks = service->tasks,
		.seen = service->here,
		.unseen = buf_text(&service->elsewhere),
	};

	service_targets_describe(service, &checks->targets);
	check_service_find(&check,
		&(struct check_service_input){
			.name = checks->service_name,
			.spec = cluster->settings,
			.replicas = cluster->replicas,
			.container = service->container,
			.failing = service->failing ? service->failing->name : NULL,
			.failure = service->failing ? service->failing->message : NULL,
			.failures = service->failures,
		});
	if (checks->targets.json) {
		cJSON_AddItemToArray(
			checks->report, check_report_service_json(&report));
		return;
	}
	checks->printed++;
	check_report_print_service(&report, &checks->terminal, stdout);
}

static bool open_targets(struct checks *checks)
{
	struct err err;

	if (!checks->service_name)
		return targets_open(&checks->targets, "check");
	if (!service_targets_name(
		    &checks->service, &checks->targets, checks->service_name, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	return targets_open(&checks->targets, "check");
}

static void check_all(struct checks *checks)
{
	if (!look_twice(checks)) {
		worsen(checks, EXIT_NOT_RUN);
		return;
	}
	for (unsigned i = 0; i < checks->targets.count; i++) {
		struct look *look = &checks->list[i];

		if (look->attached)
			check_one(checks, look);
		else
			worsen(checks, EXIT_NOT_RUN);
	}
}

/* --- the command --- */

enum {
	KEY_SERVICE = 512,
};

static const struct argp_option option_table[] = {
	TARGETS_OPTIONS,
	{"service", KEY_SERVICE, "NAME", 0,
		"a service of Docker Swarm: its settings, and its tasks on the node of the "
		"manager that DOCKER_HOST names",
		0},
	{"stacks", 'S', "FILE", 0,
		"more programs and the time that each may take for its graceful stop, as in "
		"harness/judge/stacks.json",
		0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct checks *checks = state->input;

	const struct targets *targets = &checks->targets;

	if (key == 'S') {
		checks->stacks_file = value;
		return 0;
	}
	if (key == KEY_SERVICE) {
		checks->service_name = value;
		return 0;
	}
	if (key != ARGP_KEY_END || !checks->service_name)
		return targets_parse_option(&checks->targets, key, value, state);
	if (targets->name_count || targets->pid_count || targets->compose_file)
		argp_error(state, "--service looks at nothing else");
	return 0;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = TARGETS_ARGS "\n--service NAME",
	.doc = "Says what `docker stop` would do to running containers, and why, without "
	       "stopping, signalling or changing anything: would the stop signal reach the "
	       "program, does it mean a stop to it, does the time that it may take fit the "
	       "grace."
	       "\vExit codes: 0 no stop will fail by what was seen, 1 one will, 2 bad usage, 3 "
	       "a container could not be looked at: no daemon, no such container, not running, "
	       "its processes can't be seen.",
};

static bool open_stacks(struct checks *checks)
{
	struct err err;

	checks->stacks = stacks_create();
	if (!checks->stacks_file ||
		stacks_add_file(checks->stacks, checks->stacks_file, &err))
		return true;
	terminal_print(stderr, "stopbench: %s\n", err.text);
	return false;
}

static void print_json(const struct checks *checks)
{
	SCOPED(mem_free) char *text = json_print_inert(checks->report, true);

	puts(text);
}

static void release(struct checks *checks)
{
	service_targets_done(&checks->service);
	targets_close(&checks->targets);
	stacks_destroy(checks->stacks);
	cJSON_Delete(checks->report);
	free(checks->list);
}

int cmd_check(int argc, char **argv)
{
	struct checks checks = {.terminal = terminal_of(stdout)};

	targets_init(&checks.targets, argc);
	options_parse(&parser, argc, argv, &checks);
	if (checks.terminal.width == 0 || checks.terminal.width > WIDTH)
		checks.terminal.width = WIDTH;
	checks.report = cJSON_CreateArray();
	if (!open_stacks(&checks))
		worsen(&checks, EXIT_USAGE);
	else if (open_targets(&checks)) {
		if (checks.service_name)
			check_service(&checks);
		check_all(&checks);
	} else
		worsen(&checks, EXIT_NOT_RUN);
	if (checks.targets.json && checks.code != EXIT_USAGE)
		print_json(&checks);
	release(&checks);
	return checks.code;
}

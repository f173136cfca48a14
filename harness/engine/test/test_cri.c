#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/engine/test/engine_fixture.h"
#include "harness/engine/test/scenes.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/strlist.h"
#include "lib/wait.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define ENDPOINT "CONTAINER_RUNTIME_ENDPOINT"
#define PLAIN                                                                          \
	&(struct engine_fixture_spec)                                                  \
	{                                                                              \
		0                                                                      \
	}

static bool is_required(void)
{
	const char *require = getenv("STOPBENCH_REQUIRE_CRI");

	return require && strcmp(require, "1") == 0;
}

static int set_up(void **state)
{
	struct err err = {0};

	*state = engine_fixture_open("cri", &err);
	if (*state)
		return 0;
	print_message("engine cri: %s\n", err.text);
	return is_required() ? -1 : 0;
}

static int tear_down(void **state)
{
	engine_fixture_close(*state);
	return 0;
}

static struct engine_fixture *engine_fixture_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void on_attached_log(void *arg, int64_t ns, const char *line, size_t len UNUSED)
{
	assert_true(ns > 0);
	if (arg)
		buf_addf(arg, "%s|", line);
}

static struct subject *attach(struct engine_fixture *fixture, const char *name,
	int64_t grace_ns, struct buf *log, struct err *err)
{
	return engine_attach(fixture->engine,
		&(struct attach_spec){
			.name = name,
			.grace_ns = grace_ns,
			.log = on_attached_log,
			.arg = log,
		},
		err);
}

static const struct stop_facts *stop_attached(
	struct engine_fixture *fixture, struct subject *attached)
{
	struct subject *own = fixture->subject;
	const struct stop_facts *facts;

	fixture->subject = attached;
	facts = engine_fixture_stop(fixture);
	fixture->subject = own;
	return facts;
}

/* --- what is left behind --- */

struct sweep {
	unsigned said;
	char line[256];
};

static const char *over; /* is_over() has no argument for it */

static bool is_over(const char *run_id)
{
	return over && strcmp(run_id, over) == 0;
}

static void on_said(void *arg, const char *line)
{
	struct sweep *sweep = arg;

	sweep->said++;
	snprintf(sweep->line, sizeof sweep->line, "%s", line);
}

/* Removes what this run left. */
static int sweep_run(
	struct engine_fixture *fixture, const char *run_id, struct sweep *sweep)
{
	struct err err = {0};
	int removed;

	*sweep = (struct sweep){0};
	over = run_id;
	removed = engine_clean(fixture->engine, is_over, on_said, sweep, &err);
	over = NULL;
	if (removed < 0)
		fail_msg("%s", err.text);
	assert_int_equal(removed, sweep->said);
	return removed;
}

static void cri_cleans_what_is_over_and_nothing_else(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, NULL);
	assert_int_equal(sweep_run(fixture, "another run", &sweep), 0);
	assert_true(fixture->subject->running);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 1);
	assert_non_null(strstr(sweep.line, "removed sandbox stopbench-"));
	assert_non_null(strstr(sweep.line, fixture->run_id));
	engine_fixture_await_end(fixture);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

static void cri_keeps_a_container_stopped(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *id = NULL;
	struct subject *kept;
	struct err err = {0};
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, "term=ignore", NULL);
	id = mem_text(fixture->subject->id);
	subject_keep(fixture->subject);
	fixture->subject = NULL;
	kept = attach(fixture, id, ATTACH_OWN_GRACE, NULL, &err);
	assert_non_null(kept);
	assert_false(kept->running);
	assert_int_equal(kept->about->exit_code, 137);
	subject_detach(kept);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 1);
}

static void cri_leaves_nothing_after_down(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, NULL);
	subject_down(fixture->subject);
	fixture->subject = NULL;
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

static void cri_leaves_nothing_when_interrupted(void **state)
{
	static const char *const argv[] = {"puppet", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	struct sweep sweep;

	fixture->interrupted = true;
	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "interrupted"));
	fixture->interrupted = false;
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

/* --- up --- */

static struct subject *up_with(struct engine_fixture *fixture,
	const struct container_options *options, struct err *err)
{
	static const char *const argv[] = {"puppet", NULL};

	return engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.container = options}, argv, err);
}

static void cri_refuses_a_fraction_of_a_second(void **state)
{
	static const char *const argv[] = {"puppet", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.grace_ns = 1500 * CLOCK_MS}, argv, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "1.50s: CRI counts it in whole seconds"));
}

static void cri_says_which_runtime_it_is(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(json_free) cJSON *about = engine_fingerprint(fixture->engine);

	assert_string_equal(json_text(about, "runtime"), "containerd");
	assert_non_null(json_text(about, "runtime_version"));
	assert_string_equal(json_text(about, "cri_version"), "v1");
	assert_non_null(json_text(about, "storage_driver"));
}

static void cri_names_a_missing_image(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	assert_false(engine_prepare(fixture->engine, "no-such-image:1", &err));
	assert_non_null(strstr(
		err.text, "there is no image no-such-image:1, and none is pulled"));
}

static void cri_names_what_it_has_not_got(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(strlist_done) struct strlist tmpfs = {0};
	char group[] = "0:adm";
	struct err err = {0};

	strlist_add(&tmpfs, "/run");
	fixture->subject =
		up_with(fixture, &(struct container_options){.tmpfs = tmpfs}, &err);
	assert_null(fixture->subject);
	assert_string_equal(err.text, "the cri engine has not got service.tmpfs");
	fixture->subject =
		up_with(fixture, &(struct container_options){.user = group}, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "CRI takes a group by its number"));
}

/* The runtime takes them all; the script says what it sees of them. */
static void cri_gives_a_container_its_options(void **state)
{
	static const char *const argv[] = {"sh", "-c",
		"while read key value rest; do [ $key != Uid: -a $key != Gid: -a "
		"$key != CapBnd: ] || echo $key $value; done </proc/self/status; pwd; "
		"echo x >/tmp/x || echo read only; [ -t 1 ] && echo terminal; "
		"echo x >/data/x && echo written; exit 3",
		NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(strlist_done) struct strlist drop = {0};
	SCOPED(mem_free) char *source = mem_textf("%s/data", fixture->folder);
	char user[] = "1000:1001", folder[] = "/srv", target[] = "/data";
	struct volume volume = {source, target, false};
	struct container_options options = {
		.volumes = {.item = &volume, .count = 1},
		.mem_limit = 64 << 20,
		.nano_cpus = 500000000,
		.user = user,
		.working_dir = folder,
		.read_only = true,
		.tty = true,
	};
	SCOPED(mem_free) char *made = mem_textf("mkdir -m 777 %s", source);
	struct err err = {0};

	assert_int_equal(system(made), 0);
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	strlist_add(&drop, "ALL");
	options.cap_drop = drop;
	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.container = &options}, argv, &err);
	if (!fixture->subject)
		fail_msg("%s", err.text);
	engine_fixture_await_end(fixture);
	assert_int_equal(engine_fixture_stop(fixture)->exit_code, 3);
	assert_string_equal(buf_text(&fixture->log),
		"Uid: 1000\nGid: 1001\nCapBnd: 0000000000000000\n/srv\n"
		"sh: 1: cannot create /tmp/x: Read-only file system\nread only\n"
		"terminal\nwritten\n");
}

static void on_ready(void *arg, int64_t ns UNUSED, const char *line, size_t len UNUSED)
{
	*(bool *)arg = strcmp(line, "ready") == 0;
}

static struct subject *up_with_signal(struct engine_fixture *fixture, const char *image,
	const char *signal, bool *ready, struct err *err)
{
	static const char *const argv[] = {"puppet", "quit=7", NULL};
	static const char *const env[] = {NULL};

	return engine_up(fixture->engine,
		&(struct subject_spec){
			.name = "service",
			.image = image,
			.command = argv,
			.env = env,
			.run_folder = fixture->case_folder,
			.stop_signal = signal,
			.grace_ns = 10 * CLOCK_S,
			.log = on_ready,
			.arg = ready,
		},
		err);
}

static void cri_sends_the_signal_that_our_image_says(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;
	struct err err = {0};
	bool ready = false;

	fixture->subject = up_with_signal(fixture, NULL, "SIGQUIT", &ready, &err);
	if (!fixture->subject)
		fail_msg("%s", err.text);
	until(&fixture->loop, ready);
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->stop_signal, SIGQUIT);
	assert_int_equal(facts->exit_code, 7);
}

static void cri_cannot_change_the_signal_of_another_image(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	SCOPED(mem_free) char *image = NULL;
	struct subject *attached;

	engine_fixture_up(fixture, PLAIN, NULL);
	attached = attach(fixture, fixture->subject->id, ATTACH_OWN_GRACE, NULL, &err);
	assert_non_null(attached);
	image = mem_text(attached->about->image);
	subject_detach(attached);
	assert_null(up_with_signal(fixture, image, "SIGQUIT", NULL, &err));
	assert_non_null(strstr(err.text,
		"service.stop_signal: StopContainer sends what the image says, which is "
		"SIGTERM"));
}

/* --- the stop --- */

static void cri_kills_at_once_without_a_grace(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;
	struct subject *attached;
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	attached = attach(fixture, fixture->subject->id, 0, NULL, &err);
	assert_non_null(attached);
	facts = stop_attached(fixture, attached);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->stop_signal, SIGKILL);
	if (fixture->engine->capabilities.signal_delivery)
		assert_true(facts->kill_by_engine);
	assert_string_equal(facts->unobserved, "");
	subject_detach(attached);
}

/* The runtime's SIGKILL meets an end that it has not noticed: StopContainer may fail. */
static void cri_knows_the_code_of_an_end_when_the_grace_ends(void **state)
{
	static const char *const after[] = {"after=930", "after=950", "after=970"};
	struct engine_fixture *fixture = engine_fixture_of(state);

	for (size_t i = 0; i < COUNT(after); i++) {
		const struct stop_facts *facts;

		engine_fixture_up(fixture,
			&(struct engine_fixture_spec){.grace_ns = 1 * CLOCK_S},
			after[i], "term=3", NULL);
		engine_fixture_await_line(fixture, "ready");
		facts = engine_fixture_stop(fixture);
		assert_true(facts->exit_code == 3 || facts->exit_code == 137);
		subject_down(fixture->subject);
		fixture->subject = NULL;
		buf_clear(&fixture->log);
	}
}

/* containerd sends the signal once for all stops of a container. */
static void cri_says_that_a_stop_had_begun_before(void **state)
{
	static const char *const argv[] = {"sh", "-c",
		"trap 'echo told' TERM; echo ready; while :; do puppet end=0; done",
		NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct subject *first, *second;
	const struct stop_facts *facts;
	struct err err = {0};

	if (!fixture->engine->capabilities.signal_delivery)
		skip();
	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	assert_non_null(fixture->subject);
	engine_fixture_await_line(fixture, "ready");
	first = attach(fixture, fixture->subject->id, 60 * CLOCK_S, NULL, &err);
	second = attach(fixture, fixture->subject->id, 1 * CLOCK_S, NULL, &err);
	assert_non_null(first);
	assert_non_null(second);
	assert_true(subject_stop(first, &err));
	engine_fixture_await_line(fixture, "told");
	subject_detach(first);
	facts = stop_attached(fixture, second);
	assert_int_equal(facts->exit_code, 137);
	assert_string_equal(facts->unobserved,
		"the runtime sent no SIGTERM: somebody had begun to stop it before");
	subject_detach(second);
}

static void cri_tells_an_out_of_memory_kill(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct container_options options = {.mem_limit = 32 << 20};
	const struct stop_facts *facts;

	engine_fixture_up(fixture, &(struct engine_fixture_spec){.container = &options},
		"eat=64", NULL);
	engine_fixture_await_end(fixture);
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 137);
	assert_true(facts->oom_flag);
	assert_false(facts->kill_by_engine);
	assert_true(facts->exited_before_stop);
}

/* The runtime writes a line of more than 16 KiB in parts. */
static void cri_puts_a_long_line_together(void **state)
{
	static const char *const argv[] = {"sh", "-c",
		"x=0123456789; for i in 1 2 3 4; do x=$x$x$x$x$x$x$x$x$x$x; "
		"[ ${#x} -lt 50000 ] || break; done; echo $x; exit 0",
		NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	assert_non_null(fixture->subject);
	engine_fixture_await_end(fixture);
	engine_fixture_stop(fixture);
	assert_int_equal(fixture->lines, 1);
	assert_int_equal(fixture->log.len, 100001);
}

/* --- attach --- */

static void cri_attaches_to_a_container_that_runs(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *name = mem_textf("puppet-%d", (int)getpid());
	SCOPED(buf_done) struct buf log = {0};
	struct subject *attached;
	struct err err = {0};

	engine_fixture_up(fixture, &(struct engine_fixture_spec){.name = name},
		"term=3", "say=5", NULL);
	engine_fixture_await_line(fixture, "line 5ready");
	attached = attach(fixture, name, ATTACH_OWN_GRACE, &log, &err);
	if (!attached)
		fail_msg("%s", err.text);
	assert_int_equal(attached->pid, fixture->subject->pid);
	assert_string_equal(attached->id, fixture->subject->id);
	assert_string_equal(attached->about->name, name);
	assert_int_equal(attached->about->grace_ns, 30 * CLOCK_S);
	assert_int_equal(stop_attached(fixture, attached)->exit_code, 3);
	/* The last line, and what comes after it, once. */
	assert_string_equal(buf_text(&log), "line 5ready|");
	subject_detach(attached);
}

static void cri_says_which_container_it_cannot_attach_to(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *name = mem_textf("twins-%d", (int)getpid());
	struct engine_fixture_spec spec = {.name = name};
	struct subject *other;
	struct err err = {0};

	assert_null(attach(fixture, "no-such-one", ATTACH_OWN_GRACE, NULL, &err));
	assert_string_equal(err.text, "No such container: no-such-one");
	engine_fixture_up(fixture, &spec, NULL);
	other = engine_fixture_try(
		fixture, &spec, (const char *const[]){"puppet", NULL}, &err);
	assert_non_null(other);
	assert_null(attach(fixture, name, ATTACH_OWN_GRACE, NULL, &err));
	assert_non_null(strstr(err.text, "2 containers that run have the name"));
	subject_down(other);
	assert_null(engine_attach(fixture->engine,
		&(struct attach_spec){
			.name = name, .grace_ns = CLOCK_S, .stop_signal = "SIGHUP"},
		&err));
	assert_non_null(strstr(
		err.text, "StopContainer sends what the image says, which is SIGTERM"));
}

/* --- the runtime --- */

static void assert_no_runtime(const char *endpoint, const char *words)
{
	SCOPED(mem_free) char *before = mem_text(getenv(ENDPOINT));
	struct err err = {0};
	uv_loop_t loop;

	uv_loop_init(&loop);
	setenv(ENDPOINT, endpoint, 1);
	assert_null(cri_create(&loop,
		&(struct engine_options){.run_id = "none", .programs = "/"}, &err));
	if (!strstr(err.text, words))
		fail_msg("%s: %s", endpoint, err.text);
	if (before)
		setenv(ENDPOINT, before, 1);
	else
		unsetenv(ENDPOINT);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void cri_says_how_it_looked_for_the_runtime(void **state UNUSED)
{
	assert_no_runtime("tcp://127.0.0.1:1", "expected unix:///PATH");
	assert_no_runtime("unix://relative", "expected unix:///PATH");
	assert_no_runtime("unix:///nowhere/containerd.sock",
		"no container runtime at /nowhere/containerd.sock "
		"(CONTAINER_RUNTIME_ENDPOINT): No such file or directory");
}

/* It takes connections, and nothing answers. */
static void cri_does_not_wait_for_ever(void **state UNUSED)
{
	char *folder = temp_dir_create();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SCOPED(mem_free) char *endpoint = NULL;

	snprintf(address.sun_path, sizeof address.sun_path, "%.90s/sock", folder);
	endpoint = mem_textf("unix://%s", address.sun_path);
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_no_runtime(endpoint, "CRI Version: no whole answer within 4.00s");
	close(fd);
	temp_dir_remove(folder);
}

/* --- a containerd of our own --- */

struct containerd {
	char *folder; /* below which its own is */
	char *own;
	char *endpoint; /* NULL: it could not be started */
};

static void containerd_run(
	const struct containerd *containerd, const char *what, char **said)
{
	SCOPED(mem_free) char *script = mem_textf("test/support/containerd-%s", what);
	const char *const argv[] = {"sh", script, containerd->own, NULL};
	struct program_output output = program_run(argv);

	if (output.code != 0)
		print_message("%s%s", output.out, output.err);
	else if (said)
		*said = mem_textf("%.*s", (int)strcspn(output.out, "\n"), output.out);
	program_output_done(&output);
}

static struct containerd containerd_start(void)
{
	struct containerd containerd = {.folder = temp_dir_create()};

	containerd.own = mem_textf("%s/containerd", containerd.folder);
	containerd_run(&containerd, "up", &containerd.endpoint);
	/* Without one there is nothing to test, whatever else may run on the machine. */
	setenv(ENDPOINT, containerd.endpoint ? containerd.endpoint : "unix:///nowhere",
		1);
	return containerd;
}

static void containerd_stop(struct containerd *containerd)
{
	containerd_run(containerd, "down", NULL);
	temp_dir_remove(containerd->folder);
	free(containerd->own);
	free(containerd->endpoint);
}

/* Its teardown ends it, also when the scene fails. */
static int start_bare(void **state)
{
	struct containerd *bare = mem_zeroed(sizeof *bare);

	bare->folder = temp_dir_create();
	bare->own = mem_textf("%s/containerd", bare->folder);
	setenv("PLUGINS", "none", 1);
	containerd_run(bare, "up", &bare->endpoint);
	unsetenv("PLUGINS");
	*state = bare;
	return 0;
}

static int stop_bare(void **state)
{
	containerd_stop(*state);
	free(*state);
	return 0;
}

static void cri_says_that_a_runtime_has_no_cri(void **state)
{
	const struct containerd *bare = *state;

	if (!bare->endpoint && !is_required())
		skip();
	assert_non_null(bare->endpoint);
	assert_no_runtime(bare->endpoint, "has no CRI (runtime.v1)");
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(cri_cleans_what_is_over_and_nothing_else),
		SCENE(cri_keeps_a_container_stopped),
		SCENE(cri_leaves_nothing_after_down),
		SCENE(cri_leaves_nothing_when_interrupted),
		SCENE(cri_refuses_a_fraction_of_a_second),
		SCENE(cri_says_which_runtime_it_is),
		SCENE(cri_names_a_missing_image),
		SCENE(cri_names_what_it_has_not_got),
		SCENE(cri_gives_a_container_its_options),
		SCENE(cri_sends_the_signal_that_our_image_says),
		SCENE(cri_cannot_change_the_signal_of_another_image),
		SCENE(cri_kills_at_once_without_a_grace),
		SCENE(cri_knows_the_code_of_an_end_when_the_grace_ends),
		SCENE(cri_says_that_a_stop_had_begun_before),
		SCENE(cri_tells_an_out_of_memory_kill),
		SCENE(cri_puts_a_long_line_together),
		SCENE(cri_attaches_to_a_container_that_runs),
		SCENE(cri_says_which_container_it_cannot_attach_to),
		cmocka_unit_test(cri_says_how_it_looked_for_the_runtime),
		cmocka_unit_test(cri_does_not_wait_for_ever),
		cmocka_unit_test_setup_teardown(
			cri_says_that_a_runtime_has_no_cri, start_bare, stop_bare),
	};
#undef SCENE
	struct containerd containerd = containerd_start();
	int failed = scenes_run("cri", is_required());

	failed += cmocka_run_group_tests_name("cri alone", tests, NULL, NULL);
	containerd_stop(&containerd);
	return failed;
}

#include "harness/run/case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

#define HUNDRED                                                                        \
	"0123456789012345678901234567890123456789012345678901234567890123456789"       \
	"012345678901234567890123456789"
#define SECRET HUNDRED HUNDRED HUNDRED HUNDRED

/* An engine that runs nothing: its service is ready at once and ends when asked. */
struct case_scene {
	struct engine engine; /* first: of() */
	struct subject subject;
	uv_loop_t loop;
	char *folder;
	struct scenario scenario;
	struct evidence evidence;
	const char *unobserved; /* what the engine says of its sight */
	const char *line;       /* what the service prints */
	uid_t uid;              /* who connects to the ledger; 0: nobody */
	int connected;          /* 0, or the errno of that */
	int ends_by;            /* the stop does nothing, this signal ends it; or 0 */
	int64_t signalled_ns;   /* when that came */
	const char *commands;   /* service.exec; NULL: none */
	unsigned execs;         /* that were started */
};

static struct case_scene *of(struct engine *engine)
{
	return (struct case_scene *)engine;
}

/* From inside the folder, which is where a mount begins: what lies above is open to
 * nobody else. */
static int connect_as(uid_t uid, const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "ledger"};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		bool ok = chdir(folder) == 0 && setgid(uid) == 0 && setuid(uid) == 0 &&
			connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

		_exit(ok ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static struct subject *up(
	struct engine *engine, const struct subject_spec *spec, struct err *err UNUSED)
{
	struct case_scene *scene = of(engine);

	scene->subject.engine = engine;
	scene->subject.running = true;
	if (scene->uid)
		scene->connected = connect_as(scene->uid, spec->run_folder);
	spec->log(spec->arg, clock_now(), scene->line, strlen(scene->line));
	return &scene->subject;
}

static void end(struct subject *subject)
{
	subject->running = false;
	subject->stopped = true;
}

static bool stop(struct subject *subject, struct err *err UNUSED)
{
	subject->facts.asked_ns = clock_now();
	if (!of(subject->engine)->ends_by)
		end(subject);
	return true;
}

static bool exec_it(struct subject *subject, const char *const *argv, struct err *err)
{
	struct case_scene *scene = of(subject->engine);

	if (strcmp(argv[0], "missing") == 0)
		return err_set(err, "not found");
	scene->execs++;
	return true;
}

static bool signal_it(
	struct subject *subject, int signal_number, struct err *err UNUSED)
{
	struct case_scene *scene = of(subject->engine);

	if (signal_number == scene->ends_by) {
		scene->signalled_ns = clock_now();
		end(subject);
	}
	return true;
}

static bool inspect(struct subject *subject, struct err *err UNUSED)
{
	snprintf(subject->facts.unobserved, sizeof subject->facts.unobserved, "%s",
		of(subject->engine)->unobserved);
	return true;
}

static void down(struct subject *subject UNUSED)
{
}

static const struct engine_ops ops = {.up = up,
	.stop = stop,
	.exec = exec_it,
	.signal = signal_it,
	.inspect = inspect,
	.down = down};

static int set_up(void **state)
{
	struct case_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->engine.kind = &engine_kinds[0];
	scene->engine.ops = &ops;
	scene->folder = temp_dir_create();
	scene->unobserved = "";
	scene->line = "up";
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct case_scene *scene = *state;

	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	evidence_done(&scene->evidence);
	scenario_done(&scene->scenario);
	temp_dir_remove(scene->folder);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void on_wrong(void *arg UNUSED, const struct err *err)
{
	print_error("%s\n", err->text);
}

/* `line` is the line of its log that makes the service ready, `more` further members. */
static void run_with(struct case_scene *scene, const char *line, const char *more)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(mem_free)
	char *text = mem_textf(
		"{\"name\":\"x\",\"service\":{\"command\":[\"x\"],\"mocks\":false,"
		"\"ready\":{\"log\":\"%s\",\"within\":\"50ms\"},"
		"\"exec\":%s,\"env\":{\"API_TOKEN\":\"" SECRET "\"}}%s}",
		line, scene->commands ? scene->commands : "[]", more);
	struct err err = {0};

	assert_true(json_doc_parse(&doc, "s", text, strlen(text), &err));
	assert_true(scenario_read(&scene->scenario, &doc, doc.root, on_wrong, NULL));
	case_finish(case_run(
			    &(struct case_options){
				    .loop = &scene->loop,
				    .engine = &scene->engine,
				    .run_folder = scene->folder,
			    },
			    &scene->scenario, &scene->evidence),
		false);
}

static void run(struct case_scene *scene, const char *line)
{
	run_with(scene, line, "");
}

static void case_of_an_observed_service_has_no_trouble(void **state)
{
	struct case_scene *scene = *state;

	run(scene, "up");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
}

static void case_of_a_service_out_of_sight_is_in_trouble(void **state)
{
	struct case_scene *scene = *state;

	scene->unobserved = "the events ended";
	run(scene, "up");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NOT_UP);
	assert_string_equal(scene->evidence.trouble_text,
		"the engine lost sight of it: the events ended");
}

static void case_keeps_the_trouble_that_came_first(void **state)
{
	struct case_scene *scene = *state;

	scene->unobserved = "the events ended";
	run(scene, "never");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NOT_READY);
	assert_non_null(strstr(scene->evidence.trouble_text, "not ready in time"));
}

static void case_lets_a_service_of_another_user_reach_the_ledger(void **state)
{
	struct case_scene *scene = *state;

	if (geteuid() != 0)
		skip();
	scene->uid = 1000;
	run(scene, "up");
	assert_int_equal(scene->connected, 0);
}

/* The text has no room for the whole line. */
static void case_has_no_part_of_a_secret_in_its_trouble(void **state)
{
	struct case_scene *scene = *state;

	scene->line = "token " SECRET;
	run(scene, "never");
	assert_non_null(strstr(scene->evidence.trouble_text, "last line: token ***"));
	assert_null(strstr(scene->evidence.trouble_text, "0123"));
}

static void case_stops_a_time_after_the_moment(void **state)
{
	struct case_scene *scene = *state;

	run_with(scene, "up", ",\"stop\":{\"after\":\"60ms\"}");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
	assert_true(
		scene->evidence.loaded_ns - scene->evidence.ready_ns >= 60 * CLOCK_MS);
}

static void case_starts_processes_beside_the_service(void **state)
{
	struct case_scene *scene = *state;

	scene->commands = "[[\"a\"],[\"b\",\"c\"]]";
	run(scene, "up");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
	assert_int_equal(scene->execs, 2);
}

static void case_says_what_cannot_be_started_beside_the_service(void **state)
{
	struct case_scene *scene = *state;

	scene->commands = "[[\"missing\"],[\"b\"]]";
	run(scene, "up");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NOT_UP);
	assert_string_equal(
		scene->evidence.trouble_text, "service.exec missing: not found");
	assert_int_equal(scene->execs, 0);
}

static void case_counts_the_exit_code_of_the_load_command(void **state)
{
	struct case_scene *scene = *state;

	run_with(scene, "up",
		",\"load\":{\"command\":[\"sh\",\"-c\",\"trap 'echo 2 lost >&2; exit 3' "
		"TERM; while :; do sleep 0.01; done\"]},\"stop\":{\"after\":\"100ms\"}");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
	assert_string_equal(scene->evidence.load_command, "ended with exit 3: 2 lost");
}

static void case_ends_a_load_command_that_runs_on(void **state)
{
	struct case_scene *scene = *state;

	run_with(scene, "up", ",\"load\":{\"command\":[\"sleep\",\"60\"]}");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
	assert_null(scene->evidence.load_command);
}

static void case_needs_a_load_command_until_the_stop(void **state)
{
	struct case_scene *scene = *state;

	run_with(scene, "up",
		",\"load\":{\"command\":[\"sh\",\"-c\",\"echo oops; exit 1\"]},"
		"\"stop\":{\"after\":\"5s\"}");
	assert_int_equal(scene->evidence.trouble, TROUBLE_LOAD);
	assert_string_equal(scene->evidence.trouble_text,
		"load.command: before the stop it ended with exit 1: oops");
}

static void case_needs_a_port_for_the_url_of_a_load_command(void **state)
{
	struct case_scene *scene = *state;

	run_with(scene, "up", ",\"load\":{\"command\":[\"ab\",\"{service_url}/\"]}");
	assert_string_equal(scene->evidence.trouble_text,
		"load.command: the port is not known: no service.port");
}

static void case_sends_further_signals_while_it_stops(void **state)
{
	struct case_scene *scene = *state;

	scene->ends_by = SIGINT;
	run_with(scene, "up",
		",\"stop\":{\"signals\":[{\"signal\":\"SIGINT\",\"after\":\"60ms\"}]}");
	assert_int_equal(scene->evidence.trouble, TROUBLE_NONE);
	assert_true(
		scene->signalled_ns - scene->evidence.facts.asked_ns >= 60 * CLOCK_MS);
	assert_int_equal(scene->evidence.sent_signal_count, 1);
	assert_int_equal(scene->evidence.sent_signals[0].number, SIGINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(case_of_an_observed_service_has_no_trouble),
		SCENE(case_of_a_service_out_of_sight_is_in_trouble),
		SCENE(case_stops_a_time_after_the_moment),
		SCENE(case_sends_further_signals_while_it_stops),
		SCENE(case_starts_processes_beside_the_service),
		SCENE(case_says_what_cannot_be_started_beside_the_service),
		SCENE(case_counts_the_exit_code_of_the_load_command),
		SCENE(case_ends_a_load_command_that_runs_on),
		SCENE(case_needs_a_load_command_until_the_stop),
		SCENE(case_needs_a_port_for_the_url_of_a_load_command),
		SCENE(case_keeps_the_trouble_that_came_first),
		SCENE(case_has_no_part_of_a_secret_in_its_trouble),
		SCENE(case_lets_a_service_of_another_user_reach_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

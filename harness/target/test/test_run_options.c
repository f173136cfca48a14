/*
 * What `stopbench try` makes of a command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/target/run_options.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/command_line.h"

#define WORDS_MAX 16

/* One line of a shell without quotes: '~' stands for a blank in a word. */
static struct run_options parse(const char *line)
{
	SCOPED(mem_free) char *copy = mem_textf("try %s", line);
	char *words[WORDS_MAX + 1] = {0}, *rest;
	struct run_options options;
	int count = 0;

	for (char *word = strtok_r(copy, " ", &rest); word;
		word = strtok_r(NULL, " ", &rest)) {
		assert_true(count < WORDS_MAX);
		for (char *at = word; (at = strchr(at, '~'));)
			*at = ' ';
		words[count++] = word;
	}
	run_options_parse(&options, count, words);
	return options;
}

/* The scenario has this JSON at this path; NULL: nothing. */
static void expect_json(const char *line, const char *path, const char *wanted)
{
	struct run_options options = parse(line);
	const cJSON *node = json_at(options.json, path);
	SCOPED(mem_free) char *seen = node ? json_print(node) : mem_text("nothing");

	if (strcmp(seen, wanted ? wanted : "nothing") != 0)
		fail_msg("%s: %s is %s, not %s", line, path, seen,
			wanted ? wanted : "nothing");
	run_options_done(&options);
}

static void each_option_becomes_its_key(void **state UNUSED)
{
	static const struct {
		const char *line, *path, *json;
	} rows[] = {
		{"web", "service.image", "\"web\""},
		{"web", "service.command", NULL},
		{"web", "service.networks", "[\"bridge\"]"},
		{"web", "service.mocks", "false"},
		{"web", "engines", "[\"docker\"]"},
		{"-e A=1 --env B=x=y -eA=2 web", "service.env",
			"{\"B\":\"x=y\",\"A\":\"2\"}"},
		{"-e A={port}{\"b\":{{c}}} web", "service.env.A",
			"\"{{port}}{\\\"b\\\":{{{c}}}}\""},
		{"-e STOPBENCH_TEST_HERE -e STOPBENCH_TEST_NOT_HERE web", "service.env",
			"{\"STOPBENCH_TEST_HERE\":\"yes\"}"},
		{"--env-file=/dev/null --env-file /dev/null web", "service.env_file",
			"[\"/dev/null\",\"/dev/null\"]"},
		{"-v data:/data --volume /etc:/x:ro web", "service.volumes",
			"[\"data:/data\",\"/etc:/x:ro\"]"},
		{"-p 8080:80 --publish 53/udp web", "service.ports",
			"[\"8080:80\",\"53/udp\"]"},
		{"-m 64m web", "service.mem_limit", "\"64m\""},
		{"--memory=1g web", "service.mem_limit", "\"1g\""},
		{"--cpus 0.5 web", "service.cpus", "\"0.5\""},
		{"--pids-limit 20 web", "service.pids_limit", "20"},
		{"-u 1000:1000 web", "service.user", "\"1000:1000\""},
		{"--user nobody web", "service.user", "\"nobody\""},
		{"--init web", "service.init", "true"},
		{"--entrypoint /bin/{x} web", "service.entrypoint", "\"/bin/{{x}}\""},
		{"--stop-signal INT web", "service.stop_signal", "\"INT\""},
		{"--stop-signal KILL web", "service.stop_signal", "\"KILL\""},
		{"--stop-timeout 3 web", "stop.grace", "\"3s\""},
		{"-w /srv web", "service.working_dir", "\"/srv\""},
		{"--workdir /srv web", "service.working_dir", "\"/srv\""},
		{"--cap-add NET_ADMIN --cap-add SYS_TIME web", "service.cap_add",
			"[\"NET_ADMIN\",\"SYS_TIME\"]"},
		{"--cap-drop ALL web", "service.cap_drop", "[\"ALL\"]"},
		{"--network host web", "service.networks", "[\"host\"]"},
		{"--net=one --network two web", "service.networks",
			"[\"one\",\"two\"]"},
		{"--tmpfs /run:size=1m web", "service.tmpfs", "[\"/run:size=1m\"]"},
		{"--read-only web", "service.read_only", "true"},
		{"--grace 2s web", "stop.grace", "\"2s\""},
		{"--grace 2 web", "stop.grace", "\"2s\""},
		{"--ready-log is~up web", "service.ready", "{\"log\":\"is up\"}"},
		{"--ready-port 80 --ready-within 1m web", "service.ready",
			"{\"tcp\":80,\"within\":\"1m\"}"},
		{"--after 250ms web", "stop.after", "\"250ms\""},

		/* A line of docker run, and where the image's own arguments begin. */
		{"-d --rm -it --name a --label b -l c --restart always --pull never web",
			"service.image", "\"web\""},
		{"-dit web", "service.image", "\"web\""},
		{"-ti web", "service.image", "\"web\""},
		{"-t -i --tty --detach --interactive web", "stop.grace", NULL},
		{"web sh -c -e --init x", "service.command",
			"[\"sh\",\"-c\",\"-e\",\"--init\",\"x\"]"},
		{"web -- ls", "service.command", "[\"--\",\"ls\"]"},
		{"web echo {port}", "service.command", "[\"echo\",\"{{port}}\"]"},

		/* -t is also that of docker stop. */
		{"-t 2 web", "stop.grace", "\"2s\""},
		{"-t2s web", "stop.grace", "\"2s\""},
		{"-t 3d web", "stop.grace", NULL},
		{"-t 3d web", "service.image", "\"3d\""},

		/* A command on the process engine. */
		{"-- ls -l --init", "service.command", "[\"ls\",\"-l\",\"--init\"]"},
		{"-- ls", "service.image", NULL},
		{"-- ls", "service.networks", NULL},
		{"-- ls", "engines", "[\"process\"]"},
		{"--grace 500ms --init -u 1 -w / -- ls", "stop.grace", "\"500ms\""},
	};

	setenv("STOPBENCH_TEST_HERE", "yes", 1);
	unsetenv("STOPBENCH_TEST_NOT_HERE");
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_json(rows[i].line, rows[i].path, rows[i].json);
}

static void the_scenario_is_read_as_a_file_would_be(void **state UNUSED)
{
	struct run_options options =
		parse("-m 64m -e A={port} --init -t 3 --json --try-cures web ls");

	assert_string_equal(options.engine, "docker");
	assert_int_equal(options.scenario.service.container.mem_limit, 64 << 20);
	assert_true(options.scenario.service.init);
	assert_int_equal(options.scenario.stop.grace_ns, 3 * CLOCK_S);
	assert_false(scenario_uses(&options.scenario, PLACEHOLDER_PORT));
	assert_false(scenario_has_mocks(&options.scenario));
	assert_true(options.as_json);
	assert_true(options.try_cures);
	run_options_done(&options);
}

static void what_has_no_effect_is_said(void **state UNUSED)
{
	struct run_options options = parse("--name a --pull always --rm -d web");

	assert_int_equal(options.notes.count, 2);
	assert_string_equal(options.notes.item[0],
		"--name has no effect here: the container is removed after its stop");
	assert_string_equal(
		options.notes.item[1], "--pull has no effect here: nothing is pulled");
	run_options_done(&options);
}

static void a_mistake_names_the_option_and_its_value(void **state UNUSED)
{
	static const struct {
		const char *words[4];
		const char *says;
	} rows[] = {
		{{NULL}, "name an image, or -- and a command"},
		{{"--"}, "name an image, or -- and a command"},
		{{"--nonsense", "web"}, "unrecognized option '--nonsense'"},
		{{"-e"}, "option requires an argument -- 'e'"},
		{{"-e", "=1", "web"}, "--env \"=1\": expected NAME=VALUE"},
		{{"--env-file", "/none", "web"},
			"--env-file \"/none\": /none: No such"},
		{{"-v", "data", "web"},
			"--volume \"data\": expected \"SOURCE:/TARGET\""},
		{{"-p", "x", "web"}, "--publish \"x\": expected \"PORT\""},
		{{"-m", "much", "web"}, "--memory \"much\": expected bytes"},
		{{"--cpus", "0", "web"}, "--cpus \"0\": expected a number"},
		{{"--pids-limit", "x", "web"}, "--pids-limit \"x\": expected"},
		{{"--tmpfs", "run", "web"}, "--tmpfs \"run\": expected a path"},
		{{"--stop-signal", "NOPE", "web"},
			"--stop-signal \"NOPE\": no such signal"},
		{{"--stop-signal", "STOP", "web"}, "no program can handle STOP"},
		{{"--stop-timeout", "-1", "web"}, "--stop-timeout \"-1\":"},
		{{"--grace", "soon", "web"}, "--grace \"soon\":"},
		{{"--grace", "1.5s", "web"}, "--grace: Docker counts whole seconds"},
		{{"-tx", "web"}, "--grace \"x\":"},
		{{"--after", "later", "web"}, "--after \"later\":"},
		{{"--ready-port", "0", "web"}, "--ready-port \"0\": expected a port"},
		{{"--ready-port=1", "--ready-log=x", "web"}, "one of them, not both"},
		{{"-v/a:/b", "--", "ls"}, "--volume is for an image"},
		{{"-p80", "--", "ls"}, "--publish is for an image"},
		{{"--network=x", "--", "ls"}, "--network is for an image"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_code((const char *const[]){"stopbench", "try", rows[i].words[0],
				    rows[i].words[1], rows[i].words[2], NULL},
			2, rows[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_becomes_its_key),
		cmocka_unit_test(the_scenario_is_read_as_a_file_would_be),
		cmocka_unit_test(what_has_no_effect_is_said),
		cmocka_unit_test(a_mistake_names_the_option_and_its_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

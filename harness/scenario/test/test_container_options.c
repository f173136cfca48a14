#include "harness/scenario/container_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/scenario/scenario.h"
#include "lib/buf.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

static void take_line(void *arg, const struct err *err)
{
	buf_addf(arg, "%s%s", ((struct buf *)arg)->len ? "\n" : "", err->text);
}

/* A scenario with these members in "service", in a file of this name. */
static struct scenario read_service(
	const char *name, const char *members, struct buf *lines)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(mem_free)
	char *text = mem_textf("{\"name\":\"x\",\"service\":{\n%s}}", members);
	struct scenario scenario = {0};
	struct err err;

	if (!json_doc_parse(&doc, name, text, strlen(text), &err))
		take_line(lines, &err);
	else if (scenario_read(&scenario, &doc, doc.root, take_line, lines) &&
		!scenario_check(&scenario, &doc, doc.root, take_line, lines))
		scenario_done(&scenario);
	return scenario;
}

static struct scenario good(const char *members)
{
	SCOPED(buf_done) struct buf lines = {0};
	struct scenario scenario = read_service("s", members, &lines);

	assert_string_equal(buf_text(&lines), "");
	return scenario;
}

static const struct {
	const char *members, *wrong, *why;
} bad[] = {
	{"\"volumes\":[\"data:/data\",\n\"data\"]",
		"s:3:1: volumes: expected \"SOURCE:/TARGET\", \"SOURCE:/TARGET:ro\" or "
		"\"/TARGET\"",
		"no path inside"},
	{"\"volumes\":[\":/data\"]",
		"s:2:12: volumes: expected \"SOURCE:/TARGET\", \"SOURCE:/TARGET:ro\" or "
		"\"/TARGET\"",
		"no source"},
	{"\"volumes\":[\"a:/b:rx\"]",
		"s:2:12: volumes: expected \"SOURCE:/TARGET\", \"SOURCE:/TARGET:ro\" or "
		"\"/TARGET\"",
		"no mode"},
	{"\"volumes\":{}", "s:2:1: volumes: expected a list, not an object",
		"the long syntax"},
	{"\"tmpfs\":\"run\"",
		"s:2:1: tmpfs: expected a path such as \"/run\" or \"/run:size=64m\"",
		"a relative path"},
	{"\"ports\":[\"80:\"]",
		"s:2:10: ports: expected \"PORT\", \"HOST_PORT:PORT\" or "
		"\"IP:HOST_PORT:PORT\", with or without \"/udp\"",
		"no port inside"},
	{"\"ports\":[\"80/icmp\"]",
		"s:2:10: ports: expected \"PORT\", \"HOST_PORT:PORT\" or "
		"\"IP:HOST_PORT:PORT\", with or without \"/udp\"",
		"no such protocol"},
	{"\"ports\":[70000]",
		"s:2:10: ports: expected \"PORT\", \"HOST_PORT:PORT\" or "
		"\"IP:HOST_PORT:PORT\", with or without \"/udp\"",
		"no port"},
	{"\"mem_limit\":\"512q\"",
		"s:2:1: mem_limit: expected bytes, such as \"512m\" or \"1gb\"",
		"no such unit"},
	{"\"mem_limit\":\"-1\"",
		"s:2:1: mem_limit: expected bytes, such as \"512m\" or \"1gb\"",
		"negative"},
	{"\"cpus\":\"half\"", "s:2:1: cpus: expected a number, such as \"0.5\"",
		"a word"},
	{"\"cpus\":0", "s:2:1: cpus: expected a number, such as \"0.5\"", "none"},
	{"\"env_file\":\"no-such.env\"", NULL, "no such file"},
	{"\"ulimits\":{\"nofiles\":1}", "s:2:12: ulimits: there is no \"nofiles\"",
		"no such limit"},
	{"\"ulimits\":{\"nofile\":{\"soft\":2}}",
		"s:2:12: ulimits.nofile: expected a number, or {\"soft\": 1024, \"hard\": "
		"2048}; -1: none",
		"half a limit"},
	{"\"ulimits\":{\"nofile\":{\"soft\":2,\"hard\":1}}",
		"s:2:12: ulimits.nofile: soft is over hard", "upside down"},
	{"\"restart\":\"on-failure:x\"",
		"s:2:1: restart: expected \"no\", \"always\", \"on-failure\", "
		"\"on-failure:3\" or \"unless-stopped\"",
		"no number"},
	{"\"healthcheck\":{\"test\":[\"curl\",\"-f\"]}",
		"s:2:16: test: expected a shell command, or a list such as [\"CMD\", "
		"\"curl\", \"-f\", \"http://localhost/\"]",
		"a list without its kind"},
	{"\"healthcheck\":{\"test\":\"true\",\"disable\":true}",
		"s:2:30: service.healthcheck.disable: then there is no check",
		"a check that is disabled"},
	{"\"exec\":[\"sleep\",\"60\"]",
		"s:2:1: exec: expected a list of commands such as [[\"sleep\", \"60\"]]",
		"one command that is no list of them"},
	{"\"exec\":[[\"sleep\"],[]]",
		"s:2:19: exec: expected a command such as [\"sleep\", \"60\"]",
		"nothing to start"},
	{"\"exec\":[[\"sleep\",60]]", "s:2:18: it: expected a string, not a number",
		"a number"},
	{"\"memory\":\"512m\"", NULL, "docker's name of it"},
	{"\"command\":[\"a\"],\"ports\":[\"80\"],\"networks\":[\"n\"],"
	 "\"env\":{\"U\":\"{agent_url}\"}",
		"s:2:32: service.networks: the mock agent API is on the host's network; it "
		"needs service.topology \"containers\", or service.mocks false",
		"out of reach"},
	{"\"topology\":\"containers\",\"networks\":[\"n\"]",
		"s:2:25: service.networks: with service.topology \"containers\" it is on a "
		"network of the run's own",
		"two networks"},
};

static void container_options_are_checked_with_their_position(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		SCOPED(buf_done) struct buf lines = {0};
		struct scenario scenario = read_service("s", bad[i].members, &lines);

		scenario_done(&scenario);
		if (!lines.len ||
			(bad[i].wrong && strcmp(buf_text(&lines), bad[i].wrong) != 0))
			fail_msg("%s: %s\nwanted %s\ngot    %s", bad[i].why,
				bad[i].members, bad[i].wrong, buf_text(&lines));
	}
}

/* Where another engine runs it, the process engine refuses it at the run. */
static void container_options_need_an_engine_that_has_them(void **state UNUSED)
{
	SCOPED(buf_done) struct buf lines = {0};
	static const char text[] =
		"{\"name\":\"x\",\"engines\":[\"process\"],\"service\":{\"command\":[\"a\"],"
		"\"tty\":true}}";
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct scenario scenario = {0};
	struct err err;

	assert_true(json_doc_parse(&doc, "s", text, strlen(text), &err));
	assert_true(scenario_read(&scenario, &doc, doc.root, take_line, &lines));
	assert_false(scenario_check(&scenario, &doc, doc.root, take_line, &lines));
	assert_string_equal(buf_text(&lines),
		"s:1:62: service.tty: the process engine has not got it");
	scenario_done(&scenario);
	scenario = good("\"command\":[\"a\"],\"tty\":true");
	assert_string_equal(
		container_options_of_engine(&scenario.service.container), "tty");
	scenario_done(&scenario);
}

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = {{"\"100\"", 100}, {"100", 100}, {"\"4k\"", 4096}, {"\"4KB\"", 4096},
	{"\"512m\"", 512 << 20}, {"\"1.5g\"", INT64_C(1536) << 20}, {"\"7b\"", 7}};

static void container_options_read_sizes_as_compose_does(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		SCOPED(mem_free)
		char *member = mem_textf("\"mem_limit\":%s", sizes[i].text);
		struct scenario scenario = good(member);

		assert_int_equal(scenario.service.container.mem_limit, sizes[i].bytes);
		scenario_done(&scenario);
	}
}

static const struct {
	const char *text, *ip;
	int host, port;
	const char *protocol;
} mappings[] = {{"\"80\"", NULL, 0, 80, "tcp"}, {"80", NULL, 0, 80, "tcp"},
	{"\"8080:80\"", NULL, 8080, 80, "tcp"},
	{"\"127.0.0.1:8080:80\"", "127.0.0.1", 8080, 80, "tcp"},
	{"\"127.0.0.1::80\"", "127.0.0.1", 0, 80, "tcp"},
	{"\"53:53/udp\"", NULL, 53, 53, "udp"},
	{"\"[::1]:8080:80\"", "[::1]", 8080, 80, "tcp"}};

static void container_options_read_ports_as_compose_does(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(mappings); i++) {
		SCOPED(mem_free)
		char *member =
			mem_textf("\"mocks\":false,\"ports\":[%s]", mappings[i].text);
		struct scenario scenario = good(member);
		const struct published_port *port =
			&scenario.service.container.ports.item[0];

		assert_int_equal(port->host_port, mappings[i].host);
		assert_int_equal(port->port, mappings[i].port);
		assert_string_equal(port->protocol, mappings[i].protocol);
		if (mappings[i].ip)
			assert_string_equal(port->host_ip, mappings[i].ip);
		else
			assert_null(port->host_ip);
		scenario_done(&scenario);
	}
}

static void container_options_begin_paths_at_the_file(void **state)
{
	const char *folder = *state;
	SCOPED(mem_free) char *name = mem_textf("%s/s.json", folder);
	SCOPED(mem_free) char *wanted = mem_textf("%s/x.env", folder);
	SCOPED(mem_free) char *missing = mem_textf("%s/./data", folder);
	SCOPED(buf_done) struct buf lines = {0};
	FILE *file = fopen(wanted, "we");
	struct scenario scenario;
	const struct container_options *options = &scenario.service.container;

	fputs("# C=1\nA=1\n\n  B=x y=z\r\nHOME\nNO_SUCH_VARIABLE\n", file);
	fclose(file);
	scenario = read_service(name,
		"\"env_file\":\"x.env\",\"volumes\":[\"./x.env:/e:ro\",\"./data:/d\","
		"\"named:/n\",\"/anonymous\"],\"working_dir\":\".\"",
		&lines);
	assert_string_equal(buf_text(&lines), "");
	assert_int_equal(options->env_file.count, 3);
	assert_string_equal(options->env_file.item[0], "A=1");
	assert_string_equal(options->env_file.item[1], "B=x y=z");
	assert_memory_equal(options->env_file.item[2], "HOME=/", 6);
	assert_string_equal(options->volumes.item[0].source, wanted);
	assert_int_equal(
		strlen(options->working_dir), strlen(wanted) - strlen("/x.env"));
	assert_memory_equal(options->working_dir, wanted, strlen(options->working_dir));
	assert_string_equal(options->volumes.item[0].target, "/e");
	assert_true(options->volumes.item[0].read_only);
	assert_string_equal(options->volumes.item[1].source, missing);
	assert_false(options->volumes.item[1].read_only);
	assert_string_equal(options->volumes.item[2].source, "named");
	assert_null(options->volumes.item[3].source);
	assert_string_equal(options->volumes.item[3].target, "/anonymous");
	scenario_done(&scenario);
}

static int set_up(void **state)
{
	*state = temp_dir_create();
	return 0;
}

static int tear_down(void **state)
{
	temp_dir_remove(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_options_are_checked_with_their_position),
		cmocka_unit_test(container_options_need_an_engine_that_has_them),
		cmocka_unit_test(container_options_read_sizes_as_compose_does),
		cmocka_unit_test(container_options_read_ports_as_compose_does),
		cmocka_unit_test_setup_teardown(
			container_options_begin_paths_at_the_file, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("container_options", tests, NULL, NULL);
}

#include "harness/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/engine_kind.h"
#include "harness/scenario/event_names.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* One line for each error of a text. */
static void take_line(void *arg, const struct err *err)
{
	struct buf *lines = arg;

	buf_addf(lines, "%s%s", lines->len ? "\n" : "", err->text);
}

static void read_text(const char *text, struct buf *lines, struct scenario *scenario)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct err err;

	*scenario = (struct scenario){0};
	if (!json_doc_parse(&doc, "s", text, strlen(text), &err)) {
		take_line(lines, &err);
		return;
	}
	if (!scenario_read(scenario, &doc, doc.root, take_line, lines) ||
		scenario_check(scenario, &doc, doc.root, take_line, lines))
		return;
	scenario_done(scenario);
}

static struct scenario good(const char *text)
{
	SCOPED(buf_done) struct buf lines = {0};
	struct scenario scenario;

	read_text(text, &lines, &scenario);
	assert_string_equal(buf_text(&lines), "");
	return scenario;
}

static const struct {
	const char *text, *wrong, *why;
} bad_texts[] = {
	{"{}", "s:1:1: \"name\" is missing", "the one key that must be there"},
	{"{\"name\":\"x\"} 1", "s:1:14: expected nothing more, found '1'",
		"trailing garbage"},
	{"{\"name\":\"x\",}",
		"s:1:13: expected a key in double quotes, found '}' behind a comma",
		"a comma too many"},
	{"{\"name\":\"x\",\n \"name\":\"y\"}",
		"s:2:2: the key \"name\" stands in this object already",
		"duplicate keys"},
	{"{\"name\":\"x\",\n  \"laod\": {}}",
		"s:2:3: laod: no such key; did you mean \"load\"?",
		"misspelt at the root"},
	{"{\"name\":\"x\",\"load\":{\n  \"sesions\": 3}}",
		"s:2:3: load.sesions: no such key; did you mean \"sessions\"?",
		"misspelt one level down"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\n\n   \"htpp\": \"/\"}}}",
		"s:3:4: service.ready.htpp: no such key; did you mean \"http\"?",
		"misspelt two levels down"},
	{"{\"name\":\"x\",\"load\":{\"zzz\":1}}",
		"s:1:21: load.zzz: no such key; there are: request, command, "
		"sessions, replacement, turns, turn, idle_connections",
		"nothing is near: what there is"},
	{"{\"name\":\"x\",\"load.sessions\":3}",
		"s:1:13: load.sessions: no such key; \"sessions\" belongs into an object "
		"\"load\"",
		"a path where a key belongs"},
	{"{\"name\":\"x\",\"load\":3}",
		"s:1:13: load: expected an object, not a number",
		"a part that is none"},
	{"{\"name\":\"x\",\"load\":{\"sessions\":\"3\"}}",
		"s:1:21: load.sessions: expected a whole number from 0 to 10000, not a string",
		"wrong type"},
	{"{\"name\":\"x\",\"load\":{\"sessions\":10001}}",
		"s:1:21: load.sessions: expected a whole number from 0 to 10000, not 10001",
		"out of range"},
	{"{\"name\":\"x\",\"load\":{\"sessions\":1.5}}",
		"s:1:21: load.sessions: expected a whole number from 0 to 10000, not 1.5",
		"half a session"},
	{"{\"name\":\"x\",\"stop\":{\"grace\":10}}",
		"s:1:21: stop.grace: expected a duration such as \"250ms\", not a number",
		"a duration is a string"},
	{"{\"name\":\"x\",\"stop\":{\"grace\":\"10\"}}",
		"s:1:21: stop.grace: \"10\": the unit is missing; expected a duration such as "
		"\"250ms\" or \"1m30s\" (units ns us ms s m h)",
		"without a unit"},
	{"{\"name\":\"x\",\"stop\":{\"grace\":\"-1s\"}}",
		"s:1:21: stop.grace: \"-1s\": no number; expected a duration such as "
		"\"250ms\" or \"1m30s\" (units ns us ms s m h)",
		"negative"},
	{"{\"name\":\"x\",\"stop\":{\"grace\":\"1500ms\"}}",
		"s:1:21: stop.grace: a fraction of a second needs \"engines\" without those "
		"that count whole seconds: docker, cri",
		"a fraction of a second, and Docker is not excluded"},
	{"{\"name\":\"x\",\"engines\":[\"docker\"],\"stop\":{\"grace\":\"1ms\"}}",
		"s:1:42: stop.grace: a fraction of a second needs \"engines\" without those "
		"that count whole seconds: docker",
		"nor is it here"},
	{"{\"name\":\"x\",\"load\":{\"sessions\":1,\"turns\":2}}",
		"s:1:34: load.turns: more than load.sessions (1)",
		"turns without sessions"},
	{"{\"name\":\"x\",\"load\":{\"replacement\":true}}",
		"s:1:21: load.replacement: load.sessions is 0: nobody turns to it",
		"a replacement without clients"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"x\"]},"
	 "\"load\":{\"replacement\":true}}",
		"s:1:49: load.replacement: only stopbench's own service, with sessions of "
		"the mock agent API, has one",
		"two of a service whose port and sessions are its own"},
	{"{\"name\":\"x\",\"service\":{\"port\":8080},"
	 "\"load\":{\"sessions\":1,\"replacement\":true}}",
		"s:1:58: load.replacement: two instances need the host's network, and no "
		"service.port",
		"two on one port"},
	{"{\"name\":\"x\",\"expect\":{\"disconnected\":1}}",
		"s:1:23: expect.disconnected: more than load.sessions (0)",
		"more than there are"},
	{"{\"name\":\"x\",\"expect\":{\"disconnected\":\"most\"}}",
		"s:1:23: disconnected: expected a number or \"all\", not a string",
		"neither a number nor all"},
	{"{\"name\":\"x\",\"expect\":{\"verdict\":\"kiled\"}}",
		"s:1:23: verdict: there is no \"kiled\"; did you mean \"killed\"?",
		"a misspelt verdict"},
	{"{\"name\":\"x\",\"expect\":{\"diagnosis\":\"H18\"}}",
		"s:1:23: expect.diagnosis: there is no \"H18\"; did you mean \"H15\"?",
		"a diagnosis that no rule gives"},
	{"{\"name\":\"x\",\"stop\":{\"when\":\"agent.turn.began\"}}",
		"s:1:21: when: there is no \"agent.turn.began\"; did you mean "
		"\"agent.turn.begin\"?",
		"nearly an event"},
	{"{\"name\":\"x\",\"stop\":{\"when\":7}}",
		"s:1:21: when: expected an event's name such as \"sessions.ready\"",
		"no event at all"},
	{"{\"name\":\"x\",\"expect\":{\"verdict\":[\"clean\",7]}}",
		"s:1:42: verdict: expected a name such as \"clean\", not a number",
		"one of a list is wrong"},
	{"{\"name\":\"x\",\"expect\":{\"verdict\":[]}}",
		"s:1:23: verdict: the list is empty", "a list that nothing can meet"},
	{"{\"name\":\"x\",\"expect\":{\"exit_code\":256}}",
		"s:1:23: exit_code: expected a number from 0 to 255, or a list of them",
		"no exit code"},
	{"{\"name\":\"x\",\"expect\":{\"exit_code\":[0,-1]}}",
		"s:1:38: exit_code: expected a number from 0 to 255, or a list of them",
		"one of a list is none"},
	{"{\"name\":\"x\",\"engines\":\"docker\"}",
		"s:1:13: engines: expected a list of strings, not a string",
		"not a list"},
	{"{\"name\":\"x\",\"service\":{\"stop_signal\":\"SIGTEM\"}}",
		"s:1:24: service.stop_signal: no such signal; expected a name such as "
		"\"SIGTERM\" or \"SIGRTMIN+3\"",
		"no such signal"},
	{"{\"name\":\"x\",\"service\":{\"stop_signal\":\"SIGSTOP\"}}",
		"s:1:24: service.stop_signal: no program can handle SIGSTOP, and it ends none",
		"it would not be told of its stop"},
	{"{\"name\":\"x\",\"service\":{\"env\":{\"A\":[]}}}",
		"s:1:31: env.A: expected a string, not an array",
		"an environment of lists"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"a\",1]}}",
		"s:1:39: command: expected a string, not a number", "half a command"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"a\",\"{prot}\"]}}",
		"s:1:39: there is no placeholder {prot}; did you mean {port}?",
		"a misspelt placeholder of a command"},
	{"{\"name\":\"x\",\"service\":{\"entrypoint\":\"{prot}\"}}",
		"s:1:24: there is no placeholder {prot}; did you mean {port}?",
		"of an entrypoint"},
	{"{\"name\":\"x\",\"service\":{\"env\":{\"A\":\"{prot}\"}}}",
		"s:1:31: there is no placeholder {prot}; did you mean {port}?",
		"of an environment"},
	{"{\"name\":\"x\",\"service\":{\"topology\":\"hots\"}}",
		"s:1:24: service.topology: there is no \"hots\"; did you mean \"host\"?",
		"a choice that is none"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\"http\":\"/\",\"tcp\":80}}}",
		"s:1:44: ready: one of http, tcp, log, signal and healthy, not several",
		"ready in two ways"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\"tcp\":70000}}}",
		"s:1:33: tcp: expected a port from 1 to 65535", "no port"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\"signal\":false}}}",
		"s:1:33: signal: expected true, not false",
		"a question with one answer"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\"log\":\"\"}}}",
		"s:1:33: log: expected a text, not an empty one",
		"found in every line"},
	{"{\"name\":\"x\",\"mcp\":{}}",
		"s:1:13: mcp: expected a list such as [{\"name\": \"skills\"}], not an object",
		"servers are a list"},
	{"{\"name\":\"x\",\"mcp\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		"s:1:33: mcp: two servers are named \"a\"", "names tell servers apart"},
	{"{\"name\":\"x\",\"repeat\":0}",
		"s:1:13: repeat: expected a whole number from 1 to 10000, not 0",
		"no round at all"},
	{"{\"name\":\"x\",\"service\":{\"image\":\"i\"},\"engines\":[\"process\"]}",
		"s:1:37: engines: none of them runs an image without service.command",
		"no engine can run it"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"a\"],\"ready\":{\"http\":\"/\"}}}",
		"s:1:49: service.ready.http: the port is not known; ready.http needs service.port, or "
		"a {port} in service.env, command or entrypoint",
		"a question to no port"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"a\"],\"port\":80,\"ready\":{\"tcp\":81}}}",
		"s:1:59: service.ready.tcp: the service listens on service.port (80)",
		"two ports"},
	{"{\"name\":\"x\",\"service\":{\"ready\":{\"tcp\":81}}}",
		"s:1:33: service.ready.tcp: the service listens on service.port (0)",
		"a port that our service does not choose"},
	{"{\"name\":\"x\",\"service\":{\"init\":true,\"ready\":{\"signal\":true}}}",
		"s:1:45: service.ready.signal: with service.init PID 1 is the init, which "
		"always catches the signal",
		"always ready"},
	{"{\"name\":\"x\",\"service\":{\"secrets\":[\"DSM\"],\"env\":{\"DSN\":\"1\"}}}",
		"s:1:24: service.secrets: there is no \"DSM\" in service.env",
		"a misspelt secret would be shown"},
	{"{\"name\":\"x\",\"service\":{\"mocks\":false,\"env\":{\"U\":\"{agent_url}\"}}}",
		"s:1:24: service.mocks: {agent_url} needs the mock agent API",
		"the URL of nothing"},
	{"{\"name\":\"x\",\"service\":{\"mocks\":false},\"agent\":{},\"mcp\":[{\"name\":\"a\"}]}",
		"s:1:39: agent: with service.mocks false there is no mock agent API\n"
		"s:1:50: mcp: MCP servers belong to sessions, and with service.mocks false no "
		"session can be opened",
		"behavior of mocks that are not started"},
	{"{\"name\":\"x\",\"service\":{\"image\":\"i\"},\"agent\":{},\"mcp\":[{\"name\":\"a\"}]}",
		"s:1:37: agent: nothing uses the mock agent API; add {agent_url} to "
		"service.env, command or entrypoint\n"
		"s:1:48: mcp: nothing starts these servers; add {mcp_config} to "
		"service.env, command or entrypoint",
		"mocks of which the service does not learn"},
	{"{\"name\":\"x\",\"load\":{\"request\":{\"method\":\"GET\"}}}",
		"s:1:21: load.request: its path is missing", "a request for nothing"},
	{"{\"name\":\"x\",\"load\":{\"command\":[\"ab\",\"{grace}\"]}}",
		"s:1:21: load.command: {grace} is not for it; {service_url} and {port} are",
		"a placeholder of the service"},
	{"{\"name\":\"x\",\"service\":{\"command\":[\"a\",\"{service_url}\"]}}",
		"s:1:13: service: {service_url} is for load.command: the service is not up "
		"yet",
		"a placeholder of the load"},
	{"{\"name\":\"x\",\"load\":{\"request\":{\"path\":\"report\"}}}",
		"s:1:32: load.request.path: expected a path such as \"/report\"",
		"not from the root"},
	{"{\"name\":\"x\",\"load\":{\"request\":{\"path\":\"/\",\"contains\":\"\"}}}",
		"s:1:43: load.request.contains: every answer has an empty text",
		"a text that proves nothing"},
	{"{\"name\":\"x\",\"load\":{\"request\":{\"path\":\"/\",\"concurency\":2}}}",
		"s:1:43: load.request.concurency: no such key; did you mean \"concurrency\"?",
		"misspelt"},
	{"{\"name\":\"x\",\"stop\":{\"when\":\"exit\",\"after\":\"1s\"}}",
		"s:1:35: stop.after: \"exit\" is the end already", "after the end"},
	{"{\"name\":\"x\",\"stop\":{\"signals\":{}}}",
		"s:1:21: signals: expected a list such as [{\"signal\": \"SIGINT\", "
		"\"after\": \"1s\"}], not an object",
		"one signal that is no list"},
	{"{\"name\":\"x\",\"stop\":{\"signals\":[{\"signal\":\"SIGINT\"}]}}",
		"s:1:32: signals: \"after\" is missing", "a signal without a time"},
	{"{\"name\":\"x\",\"stop\":{\"signals\":[{\"signal\":\"KILL\",\"after\":\"1s\"}]}}",
		"s:1:33: signal: expected one that a program can handle, such as \"SIGINT\"",
		"the engine kills"},
	{"{\"name\":\"x\",\"stop\":{\"signals\":[{\"signal\":\"INT\",\"after\":\"10s\"}]}}",
		"s:1:21: stop.signals: SIGKILL comes before INT, when stop.grace (10.0s) is over",
		"a signal to a dead process"},
	{"{\"name\":\"x\",\"stop\":{\"count\":2}}",
		"s:1:21: stop.count: \"sessions.ready\" comes once",
		"twice the one time"},
	{"{\"name\":\"x\",\"service\":{\"mocks\":false},\"stop\":{\"when\":\"agent.fault\"}}",
		"s:1:47: stop.when: there is no mock agent API, which logs \"agent.fault\"",
		"an event of nobody"},
	{"{\"name\":\"x\",\"expect\":{\"verdict\":\"clean\",\"orphans\":1,\"lost\":1}}",
		"s:1:41: expect.orphans: no stop with orphans is clean\n"
		"s:1:53: expect.lost: no stop with lost requests is clean",
		"never met"},
	{"{\"name\":3,\n\"load\":{\"sesions\":1,\"turn\":\"1\"},\n\"expects\":{}}",
		"s:1:2: name: expected a string such as \"text\", not a number\n"
		"s:2:9: load.sesions: no such key; did you mean \"sessions\"?\n"
		"s:2:21: load.turn: \"1\": the unit is missing; expected a duration such as "
		"\"250ms\" or \"1m30s\" (units ns us ms s m h)\n"
		"s:3:1: expects: no such key; did you mean \"expect\"?",
		"every mistake, not just the first"},
};

static void scenario_answers_an_unknown_engine_with_those_that_exist(
	void **state UNUSED)
{
	SCOPED(buf_done) struct buf lines = {0};
	SCOPED(mem_free)
	char *wanted =
		mem_textf("s:1:24: engines: there is no \"podman\"; there are: %s",
			engine_kind_names);
	struct scenario scenario;

	read_text("{\"name\":\"x\",\"engines\":[\"podman\"]}", &lines, &scenario);
	assert_string_equal(buf_text(&lines), wanted);
	scenario_done(&scenario);
}

static void scenario_reports_an_error_with_its_position(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(bad_texts); i++) {
		SCOPED(buf_done) struct buf lines = {0};
		struct scenario scenario;

		read_text(bad_texts[i].text, &lines, &scenario);
		if (strcmp(buf_text(&lines), bad_texts[i].wrong) != 0)
			fail_msg("%s: %s\n  wanted %s\n  got    %s", bad_texts[i].why,
				bad_texts[i].text, bad_texts[i].wrong,
				buf_text(&lines));
		scenario_done(&scenario);
	}
}

/* The behavior have their own tests; here it counts that they are asked. */
static void scenario_reports_behavior_that_no_mock_has(void **state UNUSED)
{
	static const char *const texts[] = {
		"{\"name\":\"x\",\"agent\":{\"conect\":{}}}",
		"{\"name\":\"x\",\"agent\":{\"rules\":[{\"connect\":{}}]}}",
		"{\"name\":\"x\",\"mcp\":[{\"name\":\"a\",\"on_eof\":\"ignor\"}]}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		SCOPED(buf_done) struct buf lines = {0};
		struct scenario scenario;

		read_text(texts[i], &lines, &scenario);
		assert_memory_equal(buf_text(&lines), "s:1:", 4);
		scenario_done(&scenario);
	}
}

static void scenario_without_an_expected_end_expects_a_clean_stop(void **state UNUSED)
{
	static const char *const texts[] = {"{\"name\":\"x\"}",
		"{\"name\":\"x\",\"expect\":{}}",
		"{\"name\":\"x\",\"expect\":{\"within\":\"5s\"}}",
		"{\"name\":\"x\",\"expect\":{\"log\":[]}}",
		"{\"name\":\"x\",\"expect\":{\"diagnosis\":\"any\"}}",
		"{\"name\":\"x\",\"expect\":{\"orphans\":0,\"lost\":0}}"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct scenario scenario = good(texts[i]);

		assert_int_equal(scenario.expect.exit_codes.count, 1);
		assert_int_equal(scenario.expect.exit_codes.code[0], 0);
		assert_int_equal(scenario.expect.verdicts, 1u << VERDICT_CLEAN);
		scenario_done(&scenario);
	}
}

static void scenario_checks_nothing_that_its_expect_leaves_out(void **state UNUSED)
{
	struct scenario scenario = good("{\"name\":\"x\",\"expect\":{\"within\":\"4s\","
					"\"diagnosis\":\"H2\"}}");

	assert_int_equal(scenario.expect.within_ns, 4 * CLOCK_S);
	assert_int_equal(scenario.expect.exit_codes.count, 0);
	assert_int_equal(scenario.expect.verdicts, 0);
	assert_int_equal(scenario.expect.disconnected, EXPECT_ANY);
	assert_int_equal(scenario.expect.orphans, EXPECT_ANY);
	assert_int_equal(scenario.expect.lost, EXPECT_ANY);
	scenario_done(&scenario);
}

static void scenario_has_defaults_that_fit_our_service(void **state UNUSED)
{
	struct scenario scenario = good("{\"name\":\"x\"}");

	assert_true(scenario_is_ours(&scenario));
	assert_string_equal(scenario.service.session.path, "/webhook/{bot}");
	assert_int_equal(scenario.service.session.status, 200);
	assert_int_equal(scenario.service.session.bots.count, 3);
	assert_non_null(strstr(scenario.service.session.body, "{room}"));
	assert_null(scenario.service.stop_signal);
	assert_true(scenario_has_mocks(&scenario));
	assert_int_equal(scenario.service.ready.kind, READY_DEFAULT);
	assert_int_equal(scenario.service.ready.within_ns, 20 * CLOCK_S);
	assert_int_equal(scenario.stop.grace_ns, 10 * CLOCK_S);
	assert_string_equal(scenario.stop.when, "sessions.ready");
	assert_int_equal(scenario.repeat, 1);
	assert_null(scenario.agent_json);
	scenario_done(&scenario);
}

static void scenario_reads_every_part(void **state UNUSED)
{
	struct scenario scenario = good(
		"{\"name\":\"x\",\"why\":\"y\",\"engines\":[\"process\"],\"repeat\":3,\"seed\":7,"
		"\"service\":{\"command\":[\"sh\",\"-c\",\"service\"],\"port\":8080,"
		"\"env\":{\"A\":\"b\",\"N\":3,\"T\":true,\"U\":\"{agent_url}{mcp_config}\"},\"ready\":{\"log\":\"up\",\"within\":\"2s\"},"
		"\"session\":{\"body\":{\"n\":1},\"bots\":[\"one\"]},\"init\":true,"
		"\"topology\":\"containers\",\"stop_signal\":\"QUIT\"},"
		"\"agent\":{\"disconnect\":{\"latency\":\"4s\"}},"
		"\"mcp\":[{\"name\":\"skills\"},{\"name\":\"fin\",\"on_eof\":\"ignore\"}],"
		"\"load\":{\"sessions\":3,\"turns\":2,\"turn\":\"5s\",\"idle_connections\":4},"
		"\"stop\":{\"grace\":\"1500ms\",\"when\":\"agent.turn.begin\",\"count\":2},"
		"\"expect\":{\"exit_code\":[0,143],\"verdict\":[\"clean\",\"slow\"],"
		"\"disconnected\":\"all\",\"orphans\":0,\"log\":[\"bye\"],\"diagnosis\":\"H2\"}}");

	assert_string_equal(scenario.why, "y");
	assert_int_equal(scenario.repeat, 3);
	assert_int_equal(scenario.seed, 7);
	assert_false(scenario_is_ours(&scenario));
	assert_string_equal(scenario.service.command.item[2], "service");
	assert_null(scenario.service.command.item[3]);
	assert_string_equal(scenario_env(&scenario, "A"), "b");
	assert_string_equal(scenario_env(&scenario, "N"), "3");
	assert_string_equal(scenario_env(&scenario, "T"), "true");
	assert_null(scenario_env(&scenario, "Z"));
	assert_int_equal(scenario.service.ready.kind, READY_LOG);
	assert_string_equal(scenario.service.ready.text, "up");
	assert_string_equal(scenario.service.session.body, "{\"n\":1}");
	assert_int_equal(scenario.service.session.bots.count, 1);
	assert_int_equal(scenario.service.topology, TOPOLOGY_CONTAINERS);
	assert_true(scenario.service.init && scenario.service.mocks);
	assert_string_equal(
		scenario.agent_json, "{\"disconnect\":{\"latency\":\"4s\"}}");
	assert_int_equal(scenario.mcp.count, 2);
	assert_string_equal(scenario.mcp.server[1].name, "fin");
	assert_string_equal(scenario.mcp.server[1].json,
		"{\"name\":\"fin\",\"on_eof\":\"ignore\"}");
	assert_int_equal(scenario.load.turn_ns, 5 * CLOCK_S);
	assert_int_equal(scenario.load.idle_connections, 4);
	assert_int_equal(scenario.stop.grace_ns, 1500 * CLOCK_MS);
	assert_int_equal(scenario.stop.count, 2);
	assert_int_equal(scenario.expect.exit_codes.count, 2);
	assert_int_equal(
		scenario.expect.verdicts, 1u << VERDICT_CLEAN | 1u << VERDICT_SLOW);
	assert_int_equal(scenario.expect.disconnected, EXPECT_ALL);
	assert_int_equal(scenario.expect.orphans, 0);
	assert_int_equal(scenario.expect.diagnosis, DIAGNOSIS_H2);
	scenario_done(&scenario);
}

static void scenario_starts_a_mock_for_a_foreign_service_that_asks_for_one(
	void **state UNUSED)
{
	static const struct {
		const char *text;
		bool ours, mocks;
	} rows[] = {
		{"{\"name\":\"x\"}", true, true},
		{"{\"name\":\"x\",\"service\":{\"mocks\":false}}", true, false},
		{"{\"name\":\"x\",\"service\":{\"command\":[]}}", true, true},
		{"{\"name\":\"x\",\"service\":{\"command\":[\"a\"]}}", false, false},
		{"{\"name\":\"x\",\"service\":{\"entrypoint\":\"a\"}}", false, false},
		{"{\"name\":\"x\",\"service\":{\"image\":\"a\"}}", false, false},
		{"{\"name\":\"x\",\"service\":{\"command\":[\"a\",\"{agent_url}\"]}}",
			false, true},
		{"{\"name\":\"x\",\"service\":{\"entrypoint\":[\"a\"],"
		 "\"env\":{\"K\":\"{agent_url}\"}}}",
			false, true},
		{"{\"name\":\"x\",\"service\":{\"image\":\"a\","
		 "\"env\":{\"K\":\"{{agent_url}} {port}\"}}}",
			false, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scenario scenario = good(rows[i].text);

		if (scenario_is_ours(&scenario) != rows[i].ours ||
			scenario_has_mocks(&scenario) != rows[i].mocks)
			fail_msg("%s", rows[i].text);
		scenario_done(&scenario);
	}
}

static void scenario_keeps_secrets_out_of_reports(void **state UNUSED)
{
	struct scenario scenario = good(
		"{\"name\":\"x\",\"service\":{\"secrets\":[\"DSN\"],\"env\":{"
		"\"API_KEY\":\"k1\",\"my_token\":\"k2\",\"DSN\":\"k3\",\"PLAIN\":\"p\"}}}");
	SCOPED(mem_free) char *json = scenario_json_redacted(&scenario,
		"{\"service\":{\"env\":{\"API_KEY\":\"k1\",\"PLAIN\":\"p\","
		"\"DSN\":3,\"my_token\":\"k2\"}},\"load\":{\"request\":{\"headers\":{"
		"\"Cookie\":\"k4\",\"Accept\":\"a\"}}}}");
	SCOPED(json_free) cJSON *redacted = cJSON_Parse(json);
	SCOPED(mem_free) char *text = json_print(redacted);

	assert_string_equal(text,
		"{\"service\":{\"env\":{\"API_KEY\":\"***\",\"PLAIN\":\"p\","
		"\"DSN\":\"***\",\"my_token\":\"***\"}},\"load\":{\"request\":{\"headers\":{"
		"\"Cookie\":\"***\",\"Accept\":\"a\"}}}}");
	assert_true(scenario_env_is_secret(&scenario, "DB_PASSWORD"));
	assert_false(scenario_env_is_secret(&scenario, "PLAIN"));
	scenario_done(&scenario);
}

static bool is_among(const char *name, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(event_names[i], name) == 0)
			return true;
	return false;
}

/* Every `name` in the first column of a table of events in docs/events.md, and nothing
 * else. A later table may tell of an event again. */
static void events_are_those_of_the_docs(void **state UNUSED)
{
	FILE *docs = fopen("docs/events.md", "r");
	char row[1024], *name, *rest;
	size_t known = 2; /* "sessions.ready" and "exit" are no events */
	bool of_events = false;

	assert_non_null(docs);
	while (fgets(row, sizeof row, docs)) {
		if (row[0] != '|' || strncmp(row, "| event ", 8) == 0)
			of_events = row[0] == '|';
		if (!of_events || strncmp(row, "| `", 3) != 0)
			continue;
		name = strtok_r(row, "|", &rest);
		for (name = strtok(name, " `,"); name; name = strtok(NULL, " `,")) {
			if (is_among(name, known))
				continue;
			assert_non_null(event_names[known]);
			assert_string_equal(event_names[known++], name);
		}
	}
	fclose(docs);
	assert_null(event_names[known]);
	assert_true(known > 40);
}

static void stop_when_accepts_an_event_of_another_service(void **state UNUSED)
{
	struct scenario scenario =
		good("{\"name\":\"x\",\"stop\":{\"when\":\"request.accepted\"}}");

	assert_string_equal(scenario.stop.when, "request.accepted");
	scenario_done(&scenario);
}

static void verdicts_are_known_by_their_names_alone(void **state UNUSED)
{
	enum verdict verdict;

	for (unsigned i = 0; i < VERDICTS; i++) {
		assert_true(verdict_parse(&verdict, verdict_names[i]));
		assert_int_equal(verdict, i);
	}
	assert_false(verdict_parse(&verdict, "Clean"));
	assert_false(verdict_parse(&verdict, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenario_reports_an_error_with_its_position),
		cmocka_unit_test(
			scenario_answers_an_unknown_engine_with_those_that_exist),
		cmocka_unit_test(scenario_reports_behavior_that_no_mock_has),
		cmocka_unit_test(scenario_without_an_expected_end_expects_a_clean_stop),
		cmocka_unit_test(scenario_checks_nothing_that_its_expect_leaves_out),
		cmocka_unit_test(scenario_has_defaults_that_fit_our_service),
		cmocka_unit_test(scenario_reads_every_part),
		cmocka_unit_test(
			scenario_starts_a_mock_for_a_foreign_service_that_asks_for_one),
		cmocka_unit_test(scenario_keeps_secrets_out_of_reports),
		cmocka_unit_test(events_are_those_of_the_docs),
		cmocka_unit_test(stop_when_accepts_an_event_of_another_service),
		cmocka_unit_test(verdicts_are_known_by_their_names_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "mock-agent/faults/behavior.h"

static bool read_over(
	struct agent_behavior *behavior, const char *text, struct err *err)
{
	struct json_doc doc = {0};
	bool ok = json_doc_parse(&doc, "m", text, strlen(text), err) &&
		agent_behavior_read(behavior, &doc, doc.root, err);

	json_doc_done(&doc);
	return ok;
}

static bool check(const char *text, struct err *err)
{
	struct json_doc doc = {0};
	bool ok = json_doc_parse(&doc, "m", text, strlen(text), err) &&
		agent_behavior_check(&doc, doc.root, err);

	json_doc_done(&doc);
	return ok;
}

/* The defaults with text merged over them. */
static struct agent_behavior behavior_of(const char *text)
{
	struct agent_behavior behavior;
	struct err err;

	agent_behavior_preset(&behavior);
	if (!read_over(&behavior, text, &err))
		fail_msg("%s", err.text);
	return behavior;
}

static void defaults_are_a_perfect_api(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of("{}");
	const struct session_behavior *session = agent_behavior_for(&behavior, 1);

	assert_int_equal(session->chunks, 1);
	assert_int_equal(session->tools.count, 0);
	assert_int_equal(session->heartbeat_ns, 15 * CLOCK_S);
	assert_true(session->terminated_event);
	assert_int_equal(session->phase[PHASE_CONNECT].latency.a_ns, 0);
	assert_int_equal(session->phase[PHASE_ARCHIVE].fault, FAULT_NONE);
	assert_int_equal(session->phase[PHASE_ARCHIVE].status, 500);
	agent_behavior_done(&behavior);
}

static void every_member_is_read(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of(
		"{\"connect\": {\"latency\": \"20ms\"},"
		" \"stream\": {\"fault\": \"reset\", \"times\": 2},"
		" \"first_byte\": {\"latency\": {\"distribution\": \"uniform\","
		"   \"min\": \"1ms\", \"max\": \"2ms\"}},"
		" \"chunk\": {\"latency\": \"1ms\"}, \"chunks\": 4, \"tools\": 2,"
		" \"interrupt\": {\"latency\": \"3ms\"}, \"status_lag\": {\"fault\": "
		"\"hang\"},"
		" \"disconnect\": {\"fault\": \"error\", \"status\": 503,"
		"   \"retry_after\": \"2s\"},"
		" \"messages\": {\"fault\": \"blackhole\"}, \"hold\": \"5s\","
		" \"heartbeat\": \"1s\", \"terminated_event\": false,"
		" \"rate_limit\": {\"connects\": 50, \"disconnects\": 100,"
		"   \"burst\": \"2s\"}}");
	const struct session_behavior *session = &behavior.all;

	assert_int_equal(session->phase[PHASE_CONNECT].latency.a_ns, 20 * CLOCK_MS);
	assert_int_equal(session->phase[PHASE_STREAM].fault, FAULT_RESET);
	assert_int_equal(session->phase[PHASE_STREAM].times, 2);
	assert_int_equal(
		session->phase[PHASE_FIRST_BYTE].latency.kind, LATENCY_UNIFORM);
	assert_int_equal(session->chunks, 4);
	assert_int_equal(session->tools.count, 2);
	assert_int_equal(session->phase[PHASE_INTERRUPT].latency.a_ns, 3 * CLOCK_MS);
	assert_int_equal(session->phase[PHASE_STATUS_LAG].fault, FAULT_HANG);
	assert_int_equal(session->disconnect.status, 503);
	assert_int_equal(session->disconnect.retry_after_ns, 2 * CLOCK_S);
	assert_int_equal(session->phase[PHASE_MESSAGES].fault, FAULT_BLACKHOLE);
	assert_int_equal(session->phase[PHASE_HOLD].latency.a_ns, 5 * CLOCK_S);
	assert_int_equal(session->heartbeat_ns, CLOCK_S);
	assert_false(session->terminated_event);
	assert_int_equal(behavior.rate_limit.per_second[RATE_LIMITED_CONNECTS], 50);
	assert_int_equal(behavior.rate_limit.per_second[RATE_LIMITED_DISCONNECTS], 100);
	assert_int_equal(behavior.rate_limit.burst_ns, 2 * CLOCK_S);
	agent_behavior_done(&behavior);
}

static void errors_have_a_place_and_a_reason(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *place; /* how the error begins */
		const char *what;  /* and what else is in it */
	} rows[] = {
		{"{\n  \"chunk\": 4}", "m:2:3: ", "object"},
		{"{\n\n \"disconect\": {}}", "m:3:2: ", "\"disconnect\""},
		{"{\"chunks\": 0}", "m:1:2: ", "from 1 to"},
		{"{\"connect\": {\n\"latency\": 4}}", "m:2:1: ", "\"250ms\""},
		{"{\"connect\": {\"fault\": \"hangs\"}}", "m:1:14: ", "\"hang\""},
		{"{\"archive\": {\"fault\": \"error\", \"status\": 200}}",
			"m:1:32: ", "400"},
		{"{\"archive\": {\"status\": 503}}",
			"m:1:14: ", "\"fault\": \"error\""},
		{"{\"archive\": {\"retry_after\": \"1s\"}}", "m:1:14: ", "retry_after"},
		{"{\"status_lag\": {\"fault\": \"reset\"}}",
			"m:1:17: ", "only \"hang\""},
		{"{\"stream\": {\"times\": 2}}", "m:1:13: ", "times goes with a fault"},
		{"{\"archive\": {\"takes_effect\": true}}",
			"m:1:14: ", "takes_effect goes with a fault"},
		{"{\"stream\": {\"fault\": \"hang\", \"takes_effect\": true}}",
			"m:1:30: ", "goes with archive and delete"},
		{"{\"disconnect\": {\"fault\": \"hang\"},"
		 " \"archive\": {\"fault\": \"none\", \"times\": 2}}",
			"m:1:64: ", "archive.times"},
		{"{\"rate_limit\": {\"burst\": \"1s\"}}",
			"m:1:17: ", "connects or disconnects"},
		{"{\"rules\": [{\"session\": 1, \"rate_limit\": {}}]}",
			"m:1:27: ", "rate_limit"},
		{"{\"tools\": -1}", "m:1:2: ", "from 0 to"},
		{"{\"tools\": \"lookup\"}", "m:1:2: ", "a count, a call such as"},
		{"{\"tools\": [\n7]}", "m:2:1: ", "{\"name\": \"lookup\"}"},
		{"{\"tools\": {\"times\": 2}}", "m:1:2: ", "\"name\""},
		{"{\"tools\": [{\"name\": \"a\"},\n{\"name\": \"a\", \"inputs\": {}}]}",
			"m:2:15: ", "\"input\""},
		{"{\"tools\": {\"name\": \"a\", \"input\": []}}",
			"m:1:25: ", "an object"},
		{"{\"tools\": {\"name\": \"a\", \"times\": 0}}", "m:1:25: ", "from 1"},
		{"{\"rules\": {}}", "m:1:2: ", "list"},
		{"{\"rules\": [\n{\"chunks\": 2}]}", "m:2:1: ", "\"session\""},
		{"{\"rules\": [{\"session\": 1},\n {\"session\": 1}]}",
			"m:2:3: ", "second"},
		{"{\"rules\": [{\"session\": 1, \"chunks\": \"x\"}]}",
			"m:1:27: ", "whole"},
		{"{\"rules\": [{\"session\": 1, \"archive\": {\"status\": 503}}]}",
			"m:1:39: ", "status"},
		{"{\"rules\": [3]}", "m:1:12: ", "object"},
		{"[]", "m:1:1: ", "object"},
	};
	struct err none;

	assert_true(check("{\"rules\": [{\"session\": 1, \"chunks\": 2}]}", &none));
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct agent_behavior behavior;
		struct err err = {0};

		agent_behavior_preset(&behavior);
		if (check(rows[i].text, &err) ||
			read_over(&behavior, rows[i].text, &err))
			fail_msg("accepted: %s", rows[i].text);
		if (strncmp(err.text, rows[i].place, strlen(rows[i].place)) != 0 ||
			!strstr(err.text, rows[i].what))
			fail_msg("%s\ngave: %s\nnot: %s... %s", rows[i].text, err.text,
				rows[i].place, rows[i].what);
		agent_behavior_done(&behavior);
	}
}

static void rule_inherits_what_it_does_not_set(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of(
		"{\"rules\": [{\"session\": 9, \"chunks\": 3}, {\"session\": 2,"
		" \"disconnect\": {\"fault\": \"hang\"}}],"
		" \"disconnect\": {\"latency\": \"4s\"}, \"tools\": 1}");

	assert_int_equal(
		agent_behavior_for(&behavior, 2)->disconnect.fault, FAULT_HANG);
	assert_int_equal(
		agent_behavior_for(&behavior, 2)->disconnect.latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools.count, 1);
	assert_int_equal(agent_behavior_for(&behavior, 9)->chunks, 3);
	assert_int_equal(
		agent_behavior_for(&behavior, 9)->disconnect.fault, FAULT_NONE);
	assert_ptr_equal(agent_behavior_for(&behavior, 3), &behavior.all);
	agent_behavior_done(&behavior);
}

static void archive_and_delete_fall_back_to_disconnect(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of(
		"{\"disconnect\": {\"latency\": \"4s\"}, \"delete\": {\"latency\": "
		"\"0s\"},"
		" \"rules\": [{\"session\": 1, \"disconnect\": {\"latency\": "
		"\"1s\"}}]}");
	const struct session_behavior *all = agent_behavior_for(&behavior, 7),
				      *one = agent_behavior_for(&behavior, 1);

	assert_int_equal(all->phase[PHASE_ARCHIVE].latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(all->phase[PHASE_DELETE].latency.a_ns, 0);
	/* The rule's "disconnect" has precedence over everybody's "delete". */
	assert_int_equal(one->phase[PHASE_DELETE].latency.a_ns, CLOCK_S);
	agent_behavior_done(&behavior);
}

static void archive_and_delete_fall_back_member_by_member(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of(
		"{\"disconnect\": {\"latency\": \"4s\", \"fault\": \"error\","
		" \"status\": 503}, \"archive\": {\"times\": 2},"
		" \"delete\": {\"fault\": \"none\"}}");
	const struct session_behavior *all = agent_behavior_for(&behavior, 1);
	struct err err;

	assert_int_equal(all->phase[PHASE_ARCHIVE].latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(all->phase[PHASE_ARCHIVE].fault, FAULT_ERROR);
	assert_int_equal(all->phase[PHASE_ARCHIVE].status, 503);
	assert_int_equal(all->phase[PHASE_ARCHIVE].times, 2);
	assert_int_equal(all->phase[PHASE_DELETE].latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(all->phase[PHASE_DELETE].fault, FAULT_NONE);
	/* A member that repeats the default is accepted. */
	assert_true(read_over(&behavior, "{\"stream\": {\"times\": 0}}", &err));
	/* An earlier "archive" has precedence over a later "disconnect". */
	assert_true(read_over(&behavior, "{\"archive\": {\"latency\": \"1s\"}}", &err));
	assert_true(
		read_over(&behavior, "{\"disconnect\": {\"latency\": \"2s\"}}", &err));
	all = agent_behavior_for(&behavior, 1);
	assert_int_equal(all->phase[PHASE_ARCHIVE].latency.a_ns, CLOCK_S);
	assert_int_equal(all->phase[PHASE_ARCHIVE].times, 2);
	assert_int_equal(all->phase[PHASE_DELETE].latency.a_ns, 2 * CLOCK_S);
	agent_behavior_done(&behavior);
}

static void second_reading_is_merged_over_the_first(void **state UNUSED)
{
	struct agent_behavior behavior =
		behavior_of("{\"disconnect\": {\"latency\": \"4s\"}, \"chunks\": 2,"
			    " \"rules\": [{\"session\": 2, \"tools\": 5}]}");
	struct err err;

	assert_true(read_over(&behavior,
		"{\"chunks\": 7, \"disconnect\": {\"fault\": \"hang\"}}", &err));
	assert_int_equal(behavior.all.chunks, 7);
	assert_int_equal(behavior.all.disconnect.fault, FAULT_HANG);
	assert_int_equal(behavior.all.disconnect.latency.a_ns, 4 * CLOCK_S);
	/* The rules stay, and inherit from the new values. */
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools.count, 5);
	assert_int_equal(agent_behavior_for(&behavior, 2)->chunks, 7);
	assert_true(read_over(&behavior, "{\"rules\": []}", &err));
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools.count, 0);
	agent_behavior_done(&behavior);
}

static void failed_reading_changes_nothing(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of("{\"chunks\": 2}");
	struct err err;

	assert_false(read_over(&behavior, "{\"chunks\": 3, \"tools\": -1}", &err));
	assert_int_equal(behavior.all.chunks, 2);
	agent_behavior_done(&behavior);
}

static void assert_same_phases(
	const struct session_behavior *one, const struct session_behavior *other)
{
	for (unsigned i = 0; i < PHASES; i++) {
		const struct phase_behavior *a = &one->phase[i], *b = &other->phase[i];

		assert_int_equal(a->latency.kind, b->latency.kind);
		assert_int_equal(a->latency.a_ns, b->latency.a_ns);
		assert_int_equal(a->fault, b->fault);
		assert_int_equal(a->status, b->status);
		assert_int_equal(a->times, b->times);
	}
}

static void merged_json_reads_as_the_same_behavior(void **state UNUSED)
{
	static const char *const texts[][2] = {
		{"{}", "{\"chunks\": 2}"},
		{"{\"archive\": {\"fault\": \"error\", \"status\": 503}}",
			"{\"archive\": {\"latency\": \"1s\"}, \"hold\": \"2s\"}"},
		{"{\"disconnect\": {\"latency\": {\"distribution\": \"exponential\","
		 " \"mean\": \"5ms\"}}, \"rules\": [{\"session\": 3, \"chunks\": 9}]}",
			"{\"disconnect\": {\"latency\": {\"distribution\": \"uniform\","
			" \"min\": \"5ms\", \"max\": \"6ms\"}}}"},
		{"{\"hold\": {\"distribution\": \"exponential\", \"mean\": \"5ms\"}}",
			"{\"hold\": {\"distribution\": \"uniform\","
			" \"min\": \"5ms\", \"max\": \"6ms\"}}"},
		{"{\"disconnect\": {\"fault\": \"error\", \"times\": 3}}",
			"{\"archive\": {\"status\": 502, \"latency\": \"1s\"},"
			" \"delete\": {\"fault\": \"none\"}}"},
	};
	struct err err;

	for (unsigned i = 0; i < COUNT(texts); i++) {
		struct agent_behavior merged = behavior_of(texts[i][0]), again;
		char *text;

		if (!read_over(&merged, texts[i][1], &err))
			fail_msg("%s", err.text);
		text = json_print(merged.json);
		again = behavior_of(text);
		assert_true(cJSON_Compare(merged.json, again.json, true));
		assert_same_phases(&merged.all, &again.all);
		assert_int_equal(agent_behavior_for(&again, 3)->chunks,
			agent_behavior_for(&merged, 3)->chunks);
		free(text);
		agent_behavior_done(&merged);
		agent_behavior_done(&again);
	}
}

static void behavior_has_a_schema(void **state UNUSED)
{
	SCOPED(json_free) cJSON *schema = agent_behavior_schema();

	assert_non_null(json_at(schema, "properties.disconnect.properties.fault"));
	assert_non_null(json_at(schema, "properties.rules.items.properties.session"));
}

static void tools_are_one_value(void **state UNUSED)
{
	struct agent_behavior behavior = behavior_of(
		"{\"tools\": [{\"name\": \"a\", \"input\": {\"x\": 1}, \"times\": 3},"
		" {\"name\": \"b\"}], \"rules\": [{\"session\": 2, \"tools\": 1}]}");
	const struct tool_calls *calls = &behavior.all.tools;
	struct err err;

	assert_int_equal(calls->named_count, 2);
	assert_string_equal(calls->named[0].name, "a");
	assert_int_equal(json_int(calls->named[0].input, "x", 0), 1);
	assert_int_equal(calls->named[0].times, 3);
	assert_null(calls->named[1].input);
	assert_int_equal(calls->named[1].times, 1);
	calls = &agent_behavior_for(&behavior, 2)->tools;
	assert_int_equal(calls->count, 1);
	assert_int_equal(calls->named_count, 0);
	assert_true(read_over(&behavior,
		"{\"tools\": {\"name\": \"c\", \"input\": {\"y\": 2}}}", &err));
	assert_true(read_over(&behavior,
		"{\"tools\": {\"name\": \"d\", \"input\": {\"z\": 3}}}", &err));
	calls = &behavior.all.tools;
	assert_int_equal(calls->named_count, 1);
	assert_string_equal(calls->named[0].name, "d");
	assert_null(json_get(calls->named[0].input, "y"));
	agent_behavior_done(&behavior);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_a_perfect_api),
		cmocka_unit_test(every_member_is_read),
		cmocka_unit_test(tools_are_one_value),
		cmocka_unit_test(errors_have_a_place_and_a_reason),
		cmocka_unit_test(rule_inherits_what_it_does_not_set),
		cmocka_unit_test(archive_and_delete_fall_back_to_disconnect),
		cmocka_unit_test(archive_and_delete_fall_back_member_by_member),
		cmocka_unit_test(second_reading_is_merged_over_the_first),
		cmocka_unit_test(failed_reading_changes_nothing),
		cmocka_unit_test(merged_json_reads_as_the_same_behavior),
		cmocka_unit_test(behavior_has_a_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

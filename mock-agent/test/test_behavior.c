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

/* A book with this said over the presets. */
static struct agent_behavior book_of(const char *text)
{
	struct agent_behavior behavior;
	struct err err;

	agent_behavior_preset(&behavior);
	if (!read_over(&behavior, text, &err))
		fail_msg("%s", err.text);
	return behavior;
}

static void presets_are_a_perfect_api(void **state)
{
	struct agent_behavior behavior = book_of("{}");
	const struct session_behavior *session = agent_behavior_for(&behavior, 1);

	(void)state;
	assert_int_equal(session->chunks, 1);
	assert_int_equal(session->tools, 0);
	assert_int_equal(session->heartbeat_ns, 15 * CLOCK_S);
	assert_true(session->terminated_event);
	assert_int_equal(session->connect.latency.a_ns, 0);
	assert_int_equal(session->archive.fault, FAULT_NONE);
	assert_int_equal(session->archive.status, 500);
	agent_behavior_done(&behavior);
}

static void every_member_is_read(void **state)
{
	struct agent_behavior behavior = book_of(
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
		" \"heartbeat\": \"1s\", \"terminated_event\": false}");
	const struct session_behavior *session = &behavior.all;

	(void)state;
	assert_int_equal(session->connect.latency.a_ns, 20 * CLOCK_MS);
	assert_int_equal(session->stream.fault, FAULT_RESET);
	assert_int_equal(session->stream.times, 2);
	assert_int_equal(session->first_byte.latency.kind, LATENCY_UNIFORM);
	assert_int_equal(session->chunks, 4);
	assert_int_equal(session->tools, 2);
	assert_int_equal(session->interrupt.latency.a_ns, 3 * CLOCK_MS);
	assert_int_equal(session->status_lag.fault, FAULT_HANG);
	assert_int_equal(session->disconnect.status, 503);
	assert_int_equal(session->disconnect.retry_after_ns, 2 * CLOCK_S);
	assert_int_equal(session->messages.fault, FAULT_BLACKHOLE);
	assert_int_equal(session->hold.a_ns, 5 * CLOCK_S);
	assert_int_equal(session->heartbeat_ns, CLOCK_S);
	assert_false(session->terminated_event);
	agent_behavior_done(&behavior);
}

static void errors_say_what_and_where(void **state)
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

	(void)state;
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

static void a_rule_starts_from_what_all_says(void **state)
{
	struct agent_behavior behavior =
		book_of("{\"rules\": [{\"session\": 9, \"chunks\": 3}, {\"session\": 2,"
			" \"disconnect\": {\"fault\": \"hang\"}}],"
			" \"disconnect\": {\"latency\": \"4s\"}, \"tools\": 1}");

	(void)state;
	assert_int_equal(
		agent_behavior_for(&behavior, 2)->disconnect.fault, FAULT_HANG);
	assert_int_equal(
		agent_behavior_for(&behavior, 2)->disconnect.latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools, 1);
	assert_int_equal(agent_behavior_for(&behavior, 9)->chunks, 3);
	assert_int_equal(
		agent_behavior_for(&behavior, 9)->disconnect.fault, FAULT_NONE);
	assert_ptr_equal(agent_behavior_for(&behavior, 3), &behavior.all);
	agent_behavior_done(&behavior);
}

static void archive_and_delete_fall_back_to_disconnect(void **state)
{
	struct agent_behavior behavior = book_of(
		"{\"disconnect\": {\"latency\": \"4s\"}, \"delete\": {\"latency\": "
		"\"0s\"},"
		" \"rules\": [{\"session\": 1, \"disconnect\": {\"latency\": "
		"\"1s\"}}]}");
	const struct session_behavior *all = agent_behavior_for(&behavior, 7),
				      *one = agent_behavior_for(&behavior, 1);

	(void)state;
	assert_int_equal(session_behavior_end(all, true)->latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(session_behavior_end(all, false)->latency.a_ns, 0);
	/* A rule's word on disconnects is nearer than everybody's word on deletes. */
	assert_int_equal(session_behavior_end(one, false)->latency.a_ns, CLOCK_S);
	agent_behavior_done(&behavior);
}

static void archive_and_delete_fall_back_member_by_member(void **state)
{
	struct agent_behavior behavior =
		book_of("{\"disconnect\": {\"latency\": \"4s\", \"fault\": \"error\","
			" \"status\": 503}, \"archive\": {\"times\": 2},"
			" \"delete\": {\"fault\": \"none\"}}");
	const struct session_behavior *all = agent_behavior_for(&behavior, 1);
	struct err err;

	(void)state;
	assert_int_equal(all->archive.latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(all->archive.fault, FAULT_ERROR);
	assert_int_equal(all->archive.status, 503);
	assert_int_equal(all->archive.times, 2);
	assert_int_equal(all->del.latency.a_ns, 4 * CLOCK_S);
	assert_int_equal(all->del.fault, FAULT_NONE);
	/* Words that say what holds anyhow are no mistake. */
	assert_true(read_over(&behavior, "{\"stream\": {\"times\": 0}}", &err));
	/* What was said of archive itself stays the nearer word, until it changes. */
	assert_true(read_over(&behavior, "{\"archive\": {\"latency\": \"1s\"}}", &err));
	assert_true(
		read_over(&behavior, "{\"disconnect\": {\"latency\": \"2s\"}}", &err));
	all = agent_behavior_for(&behavior, 1);
	assert_int_equal(all->archive.latency.a_ns, CLOCK_S);
	assert_int_equal(all->archive.times, 2);
	assert_int_equal(all->del.latency.a_ns, 2 * CLOCK_S);
	agent_behavior_done(&behavior);
}

static void a_second_reading_lies_over_the_first(void **state)
{
	struct agent_behavior behavior =
		book_of("{\"disconnect\": {\"latency\": \"4s\"}, \"chunks\": 2,"
			" \"rules\": [{\"session\": 2, \"tools\": 5}]}");
	struct err err;

	(void)state;
	assert_true(read_over(&behavior,
		"{\"chunks\": 7, \"disconnect\": {\"fault\": \"hang\"}}", &err));
	assert_int_equal(behavior.all.chunks, 7);
	assert_int_equal(behavior.all.disconnect.fault, FAULT_HANG);
	assert_int_equal(behavior.all.disconnect.latency.a_ns, 4 * CLOCK_S);
	/* Its rules stay, and start from what all says now. */
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools, 5);
	assert_int_equal(agent_behavior_for(&behavior, 2)->chunks, 7);
	assert_true(read_over(&behavior, "{\"rules\": []}", &err));
	assert_int_equal(agent_behavior_for(&behavior, 2)->tools, 0);
	agent_behavior_done(&behavior);
}

static void a_failed_reading_changes_nothing(void **state)
{
	struct agent_behavior behavior = book_of("{\"chunks\": 2}");
	struct err err;

	(void)state;
	assert_false(read_over(&behavior, "{\"chunks\": 3, \"tools\": -1}", &err));
	assert_int_equal(behavior.all.chunks, 2);
	agent_behavior_done(&behavior);
}

static void a_book_is_printed_in_a_form_that_it_reads(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"archive\": {\"fault\": \"error\", \"status\": 503}, \"hold\": "
		"\"2s\"}",
		"{\"disconnect\": {\"latency\": {\"distribution\": \"exponential\","
		" \"mean\": \"5ms\"}}, \"rules\": [{\"session\": 3, \"chunks\": 9}]}",
		"{\"disconnect\": {\"fault\": \"error\", \"times\": 3},"
		" \"archive\": {\"status\": 502, \"latency\": \"1s\"},"
		" \"delete\": {\"fault\": \"none\"}}",
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(texts); i++) {
		struct agent_behavior first = book_of(texts[i]), second;
		cJSON *printed = agent_behavior_json(&first), *again;
		char *text = json_print(printed);

		second = book_of(text);
		again = agent_behavior_json(&second);
		assert_true(cJSON_Compare(printed, again, true));
		assert_int_equal(second.all.archive.fault, first.all.archive.fault);
		assert_int_equal(second.all.archive.latency.a_ns,
			first.all.archive.latency.a_ns);
		assert_int_equal(second.all.del.times, first.all.del.times);
		assert_int_equal(agent_behavior_for(&second, 3)->chunks,
			agent_behavior_for(&first, 3)->chunks);
		cJSON_Delete(printed);
		cJSON_Delete(again);
		free(text);
		agent_behavior_done(&first);
		agent_behavior_done(&second);
	}
}

static void its_table_has_a_schema_and_knows_its_paths(void **state)
{
	cJSON *schema = agent_behavior_schema();
	struct err err;

	(void)state;
	assert_non_null(json_at(schema, "properties.disconnect.properties.fault"));
	assert_non_null(json_at(schema, "properties.rules.items.properties.session"));
	assert_true(fields_knows(agent_behavior_fields, "disconnect.latency", &err));
	assert_false(fields_knows(agent_behavior_fields, "disconnect.latensy", &err));
	cJSON_Delete(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_are_a_perfect_api),
		cmocka_unit_test(every_member_is_read),
		cmocka_unit_test(errors_say_what_and_where),
		cmocka_unit_test(a_rule_starts_from_what_all_says),
		cmocka_unit_test(archive_and_delete_fall_back_to_disconnect),
		cmocka_unit_test(archive_and_delete_fall_back_member_by_member),
		cmocka_unit_test(a_second_reading_lies_over_the_first),
		cmocka_unit_test(a_failed_reading_changes_nothing),
		cmocka_unit_test(a_book_is_printed_in_a_form_that_it_reads),
		cmocka_unit_test(its_table_has_a_schema_and_knows_its_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "harness/scenario/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"

#define MS CLOCK_MS

static const struct {
	const char *text;
	int64_t wanted_ns;
	const char *why;
} rows[] = {
	{"{}", -1, "our service without a session waits for nobody"},
	{"{\"agent\": {\"disconnect\": {\"latency\": \"50ms\"}}}", -1,
		"a latency that nobody meets"},
	{"{\"load\": {\"sessions\": 1}}", -1, "a perfect API"},
	{"{\"load\": {\"sessions\": 1}, \"agent\": {\"disconnect\": {\"latency\": \"50ms\"}}}",
		50 * MS, "the disconnect"},
	{"{\"load\": {\"sessions\": 1}, \"agent\": {\"disconnect\": {\"latency\": \"50ms\"}, "
	 "\"connect\": {\"latency\": \"9s\"}, \"interrupt\": {\"latency\": \"9s\"}}}",
		50 * MS,
		"not what is over before the stop, nor an interrupt without a turn"},
	{"{\"load\": {\"sessions\": 1, \"turns\": 1, \"turn\": \"70ms\"}, "
	 "\"agent\": {\"interrupt\": {\"latency\": \"80ms\"}}}",
		80 * MS, "the interrupt of a turn in flight"},
	{"{\"load\": {\"sessions\": 1, \"turns\": 1, \"turn\": \"90ms\"}, "
	 "\"agent\": {\"interrupt\": {\"latency\": \"80ms\"}}}",
		90 * MS, "the turn itself"},
	{"{\"load\": {\"sessions\": 2}, \"agent\": {\"disconnect\": {\"latency\": \"50ms\"}, "
	 "\"rules\": [{\"session\": 2, \"disconnect\": {\"latency\": \"4s\"}}]}}",
		4 * CLOCK_S, "a rule for one session"},
	{"{\"load\": {\"sessions\": 1}, \"agent\": {\"disconnect\": {\"latency\": "
	 "{\"distribution\": \"uniform\", \"min\": \"1ms\", \"max\": \"7ms\"}}}}",
		7 * MS, "the longest draw"},
	{"{\"load\": {\"sessions\": 1}, \"agent\": {\"disconnect\": {\"latency\": "
	 "{\"distribution\": \"empirical\", \"values\": [\"1ms\", \"9ms\", \"3ms\"]}}}}",
		9 * MS, "the longest value"},
	{"{\"load\": {\"sessions\": 1}, \"agent\": {\"disconnect\": {\"latency\": "
	 "{\"distribution\": \"exponential\", \"mean\": \"1ms\"}}}}",
		-1, "there is no longest draw"},
	{"{\"load\": {\"sessions\": 30}, \"agent\": {\"disconnect\": {\"latency\": \"50ms\"}, "
	 "\"rate_limit\": {\"disconnects\": 10}}}",
		3 * CLOCK_S, "a rate that takes longer than the disconnect"},
	{"{\"load\": {\"sessions\": 30}, \"agent\": {\"disconnect\": {\"latency\": \"50ms\"}, "
	 "\"rate_limit\": {\"disconnects\": 1000, \"connects\": 1}}}",
		50 * MS, "one that does not, and a rate of what was opened before"},
	{"{\"load\": {\"sessions\": 1}, \"mcp\": [{\"name\": \"a\"}, {\"name\": \"b\", "
	 "\"on_eof\": {\"exit_after\": \"30ms\"}, \"on_term\": {\"exit_after\": \"20ms\"}}]}",
		30 * MS, "an MCP server that exits late"},
	{"{\"load\": {\"sessions\": 1}, \"mcp\": [{\"name\": \"a\", \"on_eof\": \"ignore\"}]}",
		-1, "one that never exits plants no latency"},
	{"{\"service\": {\"command\": [\"x\", \"{agent_url}\"]}, "
	 "\"agent\": {\"disconnect\": {\"latency\": \"50ms\"}}}",
		50 * MS, "another service may have sessions of its own"},
	{"{\"service\": {\"command\": [\"x\"]}, "
	 "\"agent\": {\"disconnect\": {\"latency\": \"50ms\"}}}",
		-1, "one that has no agent API"},
};

static void the_limit_is_the_slowest_latency_in_the_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_doc_done) struct json_doc doc = {0};
		struct scenario scenario;
		struct err err = {0};

		assert_true(json_doc_parse(
			&doc, "x", rows[i].text, strlen(rows[i].text), &err));
		assert_true(
			json_put_at(doc.root, "name", cJSON_CreateString("x"), &err));
		if (!scenario_read(&scenario, &doc, doc.root, fields_keep_first, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		if (limit_ns(&scenario) != rows[i].wanted_ns)
			fail_msg("%s: %lld", rows[i].why,
				(long long)limit_ns(&scenario));
		scenario_done(&scenario);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_is_the_slowest_latency_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/evidence.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define EVENT_BYTES ((size_t)128 << 10)

static void print_line(struct evidence *evidence, const char *line)
{
	evidence_add_log(evidence, clock_now(), line, strlen(line));
}

/* The longest that a lifeline may write. */
static char *big_event(void)
{
	char *line = mem_zeroed(EVENT_BYTES + 1);

	strcpy(line, "{\"event\":\"x\",\"a\":\"");
	memset(line + strlen(line), 'a', EVENT_BYTES - strlen(line) - 2);
	strcat(line, "\"}");
	return line;
}

static void events_are_bounded_in_bytes(void **state UNUSED)
{
	const unsigned count = EVIDENCE_EVENTS_BYTES / EVENT_BYTES + 10;
	SCOPED(mem_free) char *line = big_event();
	struct evidence evidence = {0};

	for (unsigned i = 0; i < count; i++)
		print_line(&evidence, line);
	assert_true(evidence.events_dropped > 0);
	assert_true(evidence.event_count > count - 20);
	assert_true(evidence.event_bytes <= EVIDENCE_EVENTS_BYTES);
	assert_int_equal(evidence.event_count + evidence.events_dropped, count);
	assert_int_equal(evidence_count(&evidence, "x"), count);
	/* A small one still fits, and counts. */
	print_line(&evidence, "{\"event\":\"y\"}");
	assert_non_null(evidence_find_event(&evidence, EVENT_SERVICE, "y", 0));
	evidence_done(&evidence);
}

static void log_lines_are_bounded_in_bytes(void **state UNUSED)
{
	SCOPED(mem_free) char *line = mem_zeroed(1 << 20);
	struct evidence evidence = {0};

	memset(line, 'x', (1 << 20) - 1);
	for (unsigned i = 0; i < 80; i++)
		print_line(&evidence, line);
	assert_int_equal(evidence.log_count, EVIDENCE_LOG_BYTES >> 20);
	assert_int_equal(evidence.log_count + evidence.log_dropped, 80);
	evidence_done(&evidence);
}

static void a_stamp_from_outside_of_the_case_is_none(void **state UNUSED)
{
	static const char *const stamps[] = {"-9223372036854775808", "5",
		"9000000000000000000", "99999999999999999999999", "\"soon\""};
	struct evidence evidence = {.began_ns = clock_now()};

	for (size_t i = 0; i < COUNT(stamps); i++) {
		SCOPED(mem_free) char *line =
			mem_textf("{\"event\":\"x\",\"ns\":%s}", stamps[i]);
		int64_t before_ns = clock_now();

		print_line(&evidence, line);
		assert_true(evidence.events[i].ns >= before_ns);
		assert_true(evidence.events[i].ns <= clock_now());
	}
	evidence_done(&evidence);
}

static void a_stamp_from_the_case_is_kept(void **state UNUSED)
{
	int64_t began_ns = clock_now();
	struct evidence evidence = {.began_ns = began_ns};
	SCOPED(mem_free) char *line =
		mem_textf("{\"event\":\"x\",\"ns\":%lld}", (long long)began_ns + 1);

	print_line(&evidence, line);
	assert_true(evidence.events[0].ns == began_ns + 1);
	evidence_done(&evidence);
}

static void add_event(struct evidence *evidence, int lifeline, const char *line)
{
	evidence_add_event(
		evidence, EVENT_LEDGER, lifeline, json_parse(line, strlen(line)));
}

/* A service could bring its own stop before there is a turn. */
static void an_event_of_a_mock_counts_from_that_mock_alone(void **state UNUSED)
{
	struct evidence evidence = {0};
	int agent = evidence_add_lifeline(&evidence, 10);
	int server = evidence_add_lifeline(&evidence, 11);

	evidence.lifelines[agent].role = mem_text("mock-agent");
	print_line(&evidence, "{\"event\":\"agent.turn.begin\"}");
	print_line(&evidence, "{\"event\":\"mcp.initialized\"}");
	add_event(&evidence, server, "{\"event\":\"agent.turn.begin\"}");
	assert_int_equal(evidence_count(&evidence, "agent.turn.begin"), 0);
	assert_int_equal(evidence_count(&evidence, "mcp.initialized"), 0);
	add_event(&evidence, agent, "{\"event\":\"agent.turn.begin\"}");
	add_event(&evidence, server, "{\"event\":\"mcp.initialized\"}");
	print_line(&evidence, "{\"event\":\"mcp.reaped\"}");
	assert_int_equal(evidence_count(&evidence, "agent.turn.begin"), 1);
	assert_int_equal(evidence_count(&evidence, "mcp.initialized"), 1);
	assert_int_equal(evidence_count(&evidence, "mcp.reaped"), 1);
	evidence_done(&evidence);
}

static void no_line_was_printed_after_the_end_of_a_namespace(void **state UNUSED)
{
	struct evidence evidence = {0};

	evidence_add_log(&evidence, 5, "bye", 3);
	evidence_add_log(&evidence, 34, "bye", 3);
	evidence_bound_log(&evidence);
	assert_int_equal(evidence.log[1].ns, 34);
	evidence.facts.exit_ns = 7;
	evidence_bound_log(&evidence);
	assert_int_equal(evidence.log[1].ns, 34);
	evidence.capabilities.pid1_rules = true;
	evidence_bound_log(&evidence);
	assert_int_equal(evidence.log[0].ns, 5);
	assert_int_equal(evidence.log[1].ns, 7);
	evidence_done(&evidence);
}

/* What SIGKILL woke is running, and was not. */
static void a_snapshot_after_sigkill_is_not_the_last_one(void **state UNUSED)
{
	struct evidence evidence = {.facts = {.kill_ns = 30}};
	struct snapshot taken[] = {{.ns = 10}, {.ns = 20}, {.ns = 40}};

	for (size_t i = 0; i < COUNT(taken); i++)
		evidence_add_snapshot(&evidence, &taken[i]);
	assert_int_equal(evidence_last_snapshot(&evidence)->ns, 20);
	evidence.facts.kill_ns = 0;
	assert_int_equal(evidence_last_snapshot(&evidence)->ns, 40);
	evidence_done(&evidence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_of_a_mock_counts_from_that_mock_alone),
		cmocka_unit_test(events_are_bounded_in_bytes),
		cmocka_unit_test(log_lines_are_bounded_in_bytes),
		cmocka_unit_test(no_line_was_printed_after_the_end_of_a_namespace),
		cmocka_unit_test(a_stamp_from_outside_of_the_case_is_none),
		cmocka_unit_test(a_stamp_from_the_case_is_kept),
		cmocka_unit_test(a_snapshot_after_sigkill_is_not_the_last_one),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}

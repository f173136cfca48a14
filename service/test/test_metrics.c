#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "service/metrics.h"

static void expect_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	size_t len = strlen(line);

	if (!at || (at != text && at[-1] != '\n') || at[len] != '\n')
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void metrics_tell_what_was_counted(UNUSED void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	struct metrics metrics = {
		.sessions = {3, 2, 5},
		.turns = {7, 1, 2, 1},
		.turns_ns = 1500 * CLOCK_MS,
		.disconnect_failures = 4,
		.mcp_steps = {0, 6, 2, 1, 4, 3},
		.orphans = 9,
		.has_last_stop = true,
		.last_stop = {.took_ns = 2250 * CLOCK_MS,
			.failed = 1,
			.eof = 6,
			.kill = 2},
	};

	metrics_request(&metrics, 200);
	metrics_request(&metrics, 200);
	metrics_request(&metrics, 503);
	metrics_write(&metrics,
		&(struct metrics_now){.sessions = 2,
			.turns = 1,
			.connections = 7,
			.up_ns = CLOCK_S / 2},
		&text);
	expect_line(buf_text(&text), "service_up_seconds 0.5");
	expect_line(buf_text(&text), "service_sessions_active 2");
	expect_line(buf_text(&text), "service_connections_active 7");
	expect_line(buf_text(&text), "service_requests_total{status=\"200\"} 2");
	expect_line(buf_text(&text), "service_requests_total{status=\"503\"} 1");
	expect_line(buf_text(&text), "service_sessions_total{path=\"cold\"} 3");
	expect_line(buf_text(&text), "service_sessions_total{path=\"warm\"} 2");
	expect_line(buf_text(&text), "service_sessions_total{path=\"hot\"} 5");
	expect_line(buf_text(&text), "service_turns_total{how=\"timed_out\"} 1");
	expect_line(buf_text(&text), "service_turn_seconds_sum 1.5");
	expect_line(buf_text(&text), "service_turn_seconds_count 11");
	expect_line(buf_text(&text), "service_disconnect_failures_total 4");
	expect_line(buf_text(&text), "service_mcp_steps_total{step=\"eof\"} 6");
	expect_line(buf_text(&text), "service_mcp_steps_total{step=\"kill\"} 1");
	expect_line(buf_text(&text), "service_mcp_steps_total{step=\"delete\"} 4");
	expect_line(buf_text(&text), "service_mcp_steps_total{step=\"drop\"} 3");
	expect_line(buf_text(&text), "service_orphans_reaped_total 9");
	expect_line(buf_text(&text), "service_last_shutdown_seconds 2.25");
	expect_line(buf_text(&text), "service_last_shutdown_failures 1");
	expect_line(buf_text(&text), "service_last_shutdown_clean 0");
	expect_line(buf_text(&text), "service_last_shutdown_mcp_steps{step=\"eof\"} 6");
	expect_line(
		buf_text(&text), "service_last_shutdown_mcp_steps{step=\"kill\"} 2");
}

static void metrics_know_only_that_a_killed_stop_was_not_clean(UNUSED void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	struct metrics metrics = {
		.has_last_stop = true, .last_stop = {.unfinished = true}};

	metrics_write(&metrics, &(struct metrics_now){0}, &text);
	expect_line(buf_text(&text), "service_last_shutdown_clean 0");
	assert_null(strstr(buf_text(&text), "last_shutdown_seconds"));
}

static void metrics_say_nothing_of_a_stop_that_never_was(UNUSED void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	struct metrics metrics = {0};

	metrics_write(&metrics, &(struct metrics_now){0}, &text);
	assert_null(strstr(buf_text(&text), "last_shutdown"));
	assert_null(strstr(buf_text(&text), "requests_total{"));
}

/* Each sample follows the TYPE line of its family, and each family comes once. */
static void metrics_are_what_prometheus_reads(UNUSED void **state)
{
	SCOPED(buf_done) struct buf text = {0};
	struct metrics metrics = {.requests = {[404] = 1}, .has_last_stop = true};
	char reaper[128] = "", *line, *rest;

	metrics_write(&metrics, &(struct metrics_now){0}, &text);
	assert_int_equal(text.data[text.len - 1], '\n');
	for (line = strtok_r(text.data, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			size_t len = strcspn(line + 7, " ");

			assert_true(len < sizeof reaper - 8);
			memcpy(reaper, line + 7, len);
			reaper[len] = '\0';
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_true(strncmp(line + 7, reaper, strlen(reaper)) == 0);
		} else {
			assert_true(strncmp(line, reaper, strlen(reaper)) == 0);
			assert_non_null(strchr(line, ' '));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_tell_what_was_counted),
		cmocka_unit_test(metrics_know_only_that_a_killed_stop_was_not_clean),
		cmocka_unit_test(metrics_say_nothing_of_a_stop_that_never_was),
		cmocka_unit_test(metrics_are_what_prometheus_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

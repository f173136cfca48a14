#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/sse.h"

#define CEILING ((size_t)64)

struct sse_scene {
	struct sse sse;
	struct buf events; /* "name=data;" for each event */
};

static void on_event(void *arg, const char *name, const char *data, size_t len)
{
	struct sse_scene *scene = arg;

	assert_int_equal(strlen(data), len);
	assert_true(buf_addf(&scene->events, "%s=%s;", name, data));
}

static int set_up(void **state)
{
	struct sse_scene *scene = calloc(1, sizeof *scene);

	sse_init(&scene->sse, CEILING, on_event, scene);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct sse_scene *scene = *state;

	sse_done(&scene->sse);
	buf_done(&scene->events);
	free(scene);
	return 0;
}

static const struct row {
	const char *stream;
	const char *events;
	bool odd;
	const char *why;
} rows[] = {
	{"event: a\ndata: 1\n\n", "a=1;", false, "the plain case"},
	{"event: a\r\ndata: 1\r\n\r\n", "a=1;", false, "CRLF ends lines"},
	{"event: a\rdata: 1\r\r", "a=1;", false, "a lone CR ends lines"},
	{"event: a\rdata: 1\n\r\n", "a=1;", false, "all three line ends mixed"},
	{"event:a\ndata:1\n\n", "a=1;", false, "the space after the colon is optional"},
	{"event:  a\ndata:  1\n\n", " a= 1;", false,
		"only one space belongs to the colon"},
	{"event: a\ndata: 1\ndata: 2\n\n", "a=1\n2;", false,
		"data lines are joined by LF"},
	{"event: a\ndata\ndata: 2\n\n", "a=\n2;", false,
		"a field without a colon is empty"},
	{"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", "a=1;b=2;", false,
		"one after the other"},
	{"data: 1\nevent: a\n\n", "a=1;", false, "the order of the fields is free"},
	{"event: a\nevent: b\ndata: 1\n\n", "b=1;", false, "the last name counts"},
	{"data: 1\n\n", "", true, "an event without a name is passed over"},
	{"event: a\n\n", "", true, "so is one without data"},
	{"event: a\n\ndata: 1\n\n", "", true, "a name does not outlive its event"},
	{": hello\nevent: a\n:\ndata: 1\n\n", "a=1;", false,
		"comments are passed over"},
	{"id: 7\nretry: 10\nevent: a\ndata: 1\n\n", "a=1;", false,
		"so are ids and retry times"},
	{"events: x\ndatum: y\nevent: a\ndata: 1\n\n", "a=1;", true,
		"so are unknown fields"},
	{"\xef\xbb\xbf"
	 "event: a\ndata: 1\n\n",
		"a=1;", false, "a byte order mark may come first"},
	{"\n\n\nevent: a\ndata: 1\n\n\n\n", "a=1;", false,
		"empty lines alone are no events"},
	{"event: a\ndata: 1\n", "", false,
		"an event is over at the empty line, not before"},
	{"event: a\ndata: {\"x", "", false, "a cut event is never handed over"},
	{"<html>no stream at all</html>\n\n", "", true,
		"what is no SSE is passed over"},
	{"", "", false, "nothing at all"},
};

static void sse_reads_what_the_table_says(void **state)
{
	struct sse_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		sse_reset(&scene->sse);
		buf_clear(&scene->events);
		assert_true(sse_feed(&scene->sse, row->stream, strlen(row->stream)));
		if (strcmp(buf_text(&scene->events), row->events) != 0)
			fail_msg("%s: events \"%s\"", row->why,
				buf_text(&scene->events));
		if (scene->sse.odd != row->odd)
			fail_msg("%s: odd is %d", row->why, scene->sse.odd);
	}
}

static void sse_reads_the_same_byte_by_byte(void **state)
{
	struct sse_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		sse_reset(&scene->sse);
		buf_clear(&scene->events);
		for (const char *byte = row->stream; *byte; byte++)
			assert_true(sse_feed(&scene->sse, byte, 1));
		if (strcmp(buf_text(&scene->events), row->events) != 0)
			fail_msg("%s: events \"%s\"", row->why,
				buf_text(&scene->events));
	}
}

static void sse_refuses_a_line_over_its_ceiling(void **state)
{
	struct sse_scene *scene = *state;
	char line[CEILING + 1];

	memset(line, 'x', sizeof line);
	assert_false(sse_feed(&scene->sse, line, sizeof line));
	assert_string_equal(buf_text(&scene->events), "");
}

static void sse_refuses_an_event_over_its_ceiling(void **state)
{
	struct sse_scene *scene = *state;
	const char *line = "data: 12345678901234567890\n";

	assert_true(sse_feed(&scene->sse, "event: a\n", 9));
	assert_true(sse_feed(&scene->sse, line, strlen(line)));
	assert_true(sse_feed(&scene->sse, line, strlen(line)));
	assert_true(sse_feed(&scene->sse, line, strlen(line)));
	assert_false(sse_feed(&scene->sse, line, strlen(line)));
	assert_string_equal(buf_text(&scene->events), "");
}

static void sse_starts_afresh_after_a_reset(void **state)
{
	struct sse_scene *scene = *state;
	const char *half = "event: a\ndata: 1\nda";
	const char *whole = "event: b\ndata: 2\n\n";

	assert_true(sse_feed(&scene->sse, half, strlen(half)));
	sse_reset(&scene->sse);
	assert_true(sse_feed(&scene->sse, whole, strlen(whole)));
	assert_string_equal(buf_text(&scene->events), "b=2;");
}

static void sse_keeps_the_id_of_whole_events_and_the_retry_time(void **state)
{
	struct sse_scene *scene = *state;
	const char *first = "id: 7\nretry: 250\ndata:\n\nid: 8\ndata: half\n";
	const char *none = "retry: soon\nid\ndata: x\n\n";

	scene->sse.nameless = true;
	assert_true(sse_feed(&scene->sse, first, strlen(first)));
	assert_string_equal(buf_text(&scene->events), "message=;");
	assert_string_equal(buf_text(&scene->sse.id), "7");
	assert_int_equal(scene->sse.retry_ms, 250);
	sse_reset(&scene->sse);
	assert_string_equal(buf_text(&scene->sse.id), "7");
	assert_true(sse_feed(&scene->sse, none, strlen(none)));
	assert_string_equal(buf_text(&scene->events), "message=;message=x;");
	assert_string_equal(buf_text(&scene->sse.id), "");
	assert_int_equal(scene->sse.retry_ms, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			sse_reads_what_the_table_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sse_reads_the_same_byte_by_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sse_refuses_a_line_over_its_ceiling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sse_refuses_an_event_over_its_ceiling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sse_starts_afresh_after_a_reset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sse_keeps_the_id_of_whole_events_and_the_retry_time, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

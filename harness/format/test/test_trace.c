#include "harness/format/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/mem.h"

/* Two cases, of which the first has all three kinds of flows. */
static const char results_text[] =
	"{\"cases\": ["
	"{\"id\": \"kill/10\", \"half\": \"main\", \"round\": 1, \"axes\": {\"load.n\": 3},"
	" \"verdict\": \"clean\", \"grace_ns\": 2000000000, \"picture\": {\"lanes\": ["
	"  {\"kind\": \"engine\", \"name\": \"the stop call\", \"from_ns\": -1000,"
	"   \"to_ns\": 900000, \"spans\": [{\"kind\": \"call\", \"from_ns\": -1000,"
	"   \"to_ns\": 900000}], \"marks\": []},"
	"  {\"kind\": \"process\", \"name\": \"PID 1 (\\u202eevil)\", \"from_ns\": -5000,"
	"   \"to_ns\": 800000, \"spans\": ["
	"    {\"kind\": \"runs\", \"from_ns\": -5000, \"to_ns\": 0},"
	"    {\"kind\": \"handler\", \"from_ns\": 7001, \"to_ns\": 800000, \"open\": true}],"
	"   \"marks\": [{\"what\": \"exit 0\", \"at_ns\": 800000}]}],"
	"  \"flows\": ["
	"   {\"kind\": \"signal\", \"from\": 0, \"to\": 1, \"from_ns\": 0, \"to_ns\": 7001},"
	"   {\"kind\": \"eof\", \"from\": 1, \"to\": 1, \"from_ns\": 8000,"
	"    \"to_ns\": 800000}], \"left_out\": 0}},"
	"{\"id\": \"kill/20\", \"half\": \"twin\", \"round\": 2, \"axes\": {},"
	" \"verdict\": \"killed\", \"grace_ns\": 1000, \"picture\": {\"lanes\": ["
	"  {\"kind\": \"engine\", \"name\": \"the stop call\", \"from_ns\": 0,"
	"   \"to_ns\": 1, \"spans\": [], \"marks\": []}], \"flows\": []}},"
	"{\"id\": \"without\", \"verdict\": \"inconclusive\"}]}";

static char *print_trace(void)
{
	SCOPED(json_free) cJSON *results =
		json_parse(results_text, sizeof results_text - 1);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(results);
	trace_print(out, results);
	fclose(out);
	return text;
}

static cJSON *read_trace(void)
{
	SCOPED(mem_free) char *text = print_trace();
	cJSON *trace = json_parse(text, strlen(text));

	assert_non_null(trace);
	return trace;
}

static bool is_phase(const cJSON *event, const char *phase)
{
	const char *text = json_text(event, "ph");

	assert_non_null(text);
	return strcmp(text, phase) == 0;
}

static const cJSON *event_of(const cJSON *trace, const char *phase, const char *name)
{
	const cJSON *event;

	cJSON_ArrayForEach(event, json_get(trace, "traceEvents")) {
		if (is_phase(event, phase) &&
			strcmp(json_text(event, "name"), name) == 0)
			return event;
	}
	fail_msg("no event %s %s", phase, name);
	return NULL;
}

static double number(const cJSON *event, const char *key)
{
	assert_true(cJSON_IsNumber(json_get(event, key)));
	return json_get(event, key)->valuedouble;
}

/* What the published format demands of each phase. */
static void each_event_has_what_its_phase_needs(void **state UNUSED)
{
	SCOPED(json_free) cJSON *trace = read_trace();
	const cJSON *event;

	cJSON_ArrayForEach(event, json_get(trace, "traceEvents")) {
		assert_non_null(json_text(event, "name"));
		assert_true(number(event, "ts") >= 0);
		assert_true(number(event, "pid") >= 1 && number(event, "tid") >= 1);
		if (is_phase(event, "X"))
			assert_true(number(event, "dur") >= 0);
		else if (is_phase(event, "i"))
			assert_non_null(strpbrk(json_text(event, "s"), "gpt"));
		else if (is_phase(event, "M"))
			assert_non_null(json_get(event, "args"));
		else
			assert_true(is_phase(event, "s") || is_phase(event, "f"));
	}
}

static void a_case_is_a_process_and_a_lane_is_a_thread(void **state UNUSED)
{
	SCOPED(json_free) cJSON *trace = read_trace();
	const cJSON *event = event_of(trace, "X", "handler");

	assert_string_equal(
		json_text(
			json_get(event_of(trace, "M", "process_name"), "args"), "name"),
		"kill/10 load.n=3");
	assert_int_equal(json_int(event, "pid", 0), 1);
	assert_int_equal(json_int(event, "tid", 0), 2);
	/* Microseconds; the earliest lane begins at 0, 5 us before the signal. */
	assert_true(number(event, "ts") > 12.0005 && number(event, "ts") < 12.0015);
	assert_true(number(event, "dur") > 792.9985 && number(event, "dur") < 792.9995);
	assert_true(json_bool(json_get(event, "args"), "end_not_seen", false));
}

/* The importers bind an arrow to the span around its end. */
static void both_ends_of_each_flow_are_within_a_span(void **state UNUSED)
{
	SCOPED(json_free) cJSON *trace = read_trace();
	const cJSON *event, *span;
	unsigned starts = 0, ends = 0;

	cJSON_ArrayForEach(event, json_get(trace, "traceEvents")) {
		bool found = false;

		if (!is_phase(event, "s") && !is_phase(event, "f"))
			continue;
		starts += is_phase(event, "s");
		ends += is_phase(event, "f");
		assert_int_equal(json_int(event, "id", 0), starts);
		cJSON_ArrayForEach(span, json_get(trace, "traceEvents")) {
			found = found ||
				(is_phase(span, "X") &&
					number(span, "tid") == number(event, "tid") &&
					number(span, "ts") <= number(event, "ts") &&
					number(event, "ts") < number(span, "ts") +
							number(span, "dur"));
		}
		assert_true(found);
	}
	assert_int_equal(starts, 2);
	assert_int_equal(ends, 2);
}

static void hostile_names_are_inert(void **state UNUSED)
{
	SCOPED(mem_free) char *text = print_trace();

	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_non_null(strstr(text, "\\u202e"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_has_what_its_phase_needs),
		cmocka_unit_test(a_case_is_a_process_and_a_lane_is_a_thread),
		cmocka_unit_test(both_ends_of_each_flow_are_within_a_span),
		cmocka_unit_test(hostile_names_are_inert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

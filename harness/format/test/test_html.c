#include "harness/format/html/html_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/picture/lanes.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/utf8.h"

static char *print_page(const cJSON *results)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	html_page_print(out, results);
	fclose(out);
	assert_int_equal(strlen(text), len);
	return text;
}

/* --- results made by hand --- */

/* A round without a picture; the results'. */
static cJSON *add_round(cJSON *results, const char *verdict, int64_t stop_ns)
{
	cJSON *round = json_fill(NULL,
		"{'id': %s, 'half': %s, 'round': %u, 'name': %s, 'verdict': %s, 'reason': %s}",
		"kill/10", "main", 1, "a case", verdict, "a reason");

	cJSON_AddObjectToObject(round, "axes");
	cJSON_AddBoolToObject(round, "met", true);
	cJSON_AddBoolToObject(round, "could_run", true);
	json_add_int(round, "stop_ns", stop_ns);
	json_add_int(round, "grace_ns", 2 * CLOCK_S);
	json_add_int(round, "margin_ns", 2 * CLOCK_S - stop_ns);
	cJSON_AddItemToArray(cJSON_GetObjectItem(results, "cases"), round);
	return round;
}

static cJSON *make_results(void)
{
	cJSON *results = json_fill(NULL, "{'started': %s, 'seed': %s}", "2026", "1");

	cJSON_AddArrayToObject(results, "cases");
	json_fill(cJSON_AddObjectToObject(results, "summary"),
		"{'cases': %u, 'unmet': %u, 'not_run': %u}", 1, 0, 0);
	return results;
}

/* A lane with one bar and one mark. */
static void add_lane(cJSON *lanes, const char *name, int64_t from_ns, int64_t to_ns)
{
	cJSON *lane = json_fill(NULL, "{'kind': %s, 'name': %s}", "process", name);
	cJSON *span = json_fill(NULL, "{'kind': %s}", "signal");
	cJSON *mark = json_fill(NULL, "{'what': %s}", "exit 0");

	json_add_int(lane, "from_ns", from_ns);
	json_add_int(lane, "to_ns", to_ns);
	json_add_int(span, "from_ns", from_ns);
	json_add_int(span, "to_ns", to_ns);
	json_add_int(mark, "at_ns", to_ns);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(lane, "spans"), span);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(lane, "marks"), mark);
	cJSON_AddItemToArray(lanes, lane);
}

static cJSON *add_picture(cJSON *round)
{
	cJSON *picture = cJSON_AddObjectToObject(round, "picture");

	cJSON_AddArrayToObject(picture, "lanes");
	cJSON_AddArrayToObject(picture, "flows");
	cJSON_AddArrayToObject(picture, "lines");
	return picture;
}

static void add_line(cJSON *picture, const char *text)
{
	cJSON *line = json_fill(NULL, "{'source': %s, 'text': %s}", "service", text);

	json_add_int(line, "at_ns", CLOCK_MS);
	cJSON_AddItemToArray(cJSON_GetObjectItem(picture, "lines"), line);
}

/* With a text everywhere. */
static void add_change(cJSON *round, const char *text)
{
	cJSON_AddItemToArray(cJSON_AddArrayToObject(round, "what_if"),
		json_fill(NULL,
			"{'what': %s, 'knob': %s, 'from': %s, 'to': %s, 'says': %s}",
			text, text, text, text, text));
}

static void assert_has(const char *page, const char *text)
{
	if (!strstr(page, text))
		fail_msg("the page has no \"%s\"", text);
}

static unsigned count_of(const char *page, const char *text)
{
	unsigned count = 0;

	for (const char *at = page; (at = strstr(at, text)); at += strlen(text))
		count++;
	return count;
}

/* --- the sentence --- */

static const struct sentence {
	const char *verdict;
	int64_t stop_ns;
	const char *wanted;
} sentences[] = {
	{"clean", 54 * CLOCK_MS, "Clean: stopped in 54.0ms, 1.95s of its grace left."},
	{"killed", 2010 * CLOCK_MS, "Killed after 2.01s: its grace of 2.00s was over."},
	{"leak", CLOCK_S,
		"Not clean (leak): stopped in 1.00s, 1.00s of its grace left."},
	{"slow", CLOCK_S, "Slow: stopped in 1.00s, 1.00s of its grace left."},
	{"inconclusive", CLOCK_S, "Not proven clean: stopped in 1.00s"},
	{"dirty", 3 * CLOCK_S,
		"Not clean (dirty): it took 3.00s, 1.00s more than its grace."},
};

static void the_first_sentence_says_how_it_went(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(sentences); i++) {
		SCOPED(json_free) cJSON *results = make_results();
		SCOPED(mem_free) char *page = NULL;

		add_round(results, sentences[i].verdict, sentences[i].stop_ns);
		page = print_page(results);
		assert_has(page, sentences[i].wanted);
		assert_has(page, "stopbench run --format html=FILE");
	}
}

static void the_cure_stands_below_the_causes(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	cJSON *round = add_round(results, "killed", 2010 * CLOCK_MS);
	cJSON *diagnoses = cJSON_AddArrayToObject(round, "diagnoses");
	SCOPED(mem_free) char *page = NULL;

	cJSON_AddItemToArray(diagnoses,
		json_fill(NULL, "{'id': %s, 'text': %s}", "W1", "no handler"));
	cJSON_AddItemToArray(diagnoses,
		json_fill(NULL, "{'id': %s, 'text': %s}", "X1", "its grace"));
	page = print_page(results);
	assert_int_equal(
		count_of(page, "<p class=\"cure\"><b>Cure</b> Install a handler"), 1);
	assert_int_equal(count_of(page, "class=\"cure\""), 1);
	assert_has(page,
		"<code>docker run --init</code>, in compose <code>init: true</code>");
}

static void what_held_it_up_stands_beside_it(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	cJSON *round = add_round(results, "clean", CLOCK_S);
	SCOPED(mem_free) char *page = NULL;

	cJSON_AddItemToObject(round, "held_up_by",
		json_fill(NULL,
			"{'kind': %s, 'name': %s, 'what': %s, 'count': %u, 'ns': %u}",
			"session", "session 1", "disconnect", 20, 900000000));
	page = print_page(results);
	assert_has(page, "20 sessions, one after the other");
	assert_has(page, "disconnect: 900ms of 1.00s");
}

static void further_rounds_are_shown_where_they_are_not_as_expected(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	for (int i = 1; i <= 3; i++) {
		cJSON *round = add_round(results, "clean", CLOCK_S);

		cJSON_ReplaceItemInObjectCaseSensitive(
			round, "round", cJSON_CreateNumber(i));
		if (i == 3)
			cJSON_ReplaceItemInObjectCaseSensitive(
				round, "met", cJSON_CreateFalse());
	}
	page = print_page(results);
	assert_has(page, "id=\"case-1\"");
	assert_null(strstr(page, "id=\"case-2\""));
	assert_has(page, "id=\"case-3\"");
	assert_has(page, "1 further rounds were as expected");
}

static void those_that_are_not_as_expected_come_first(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;
	cJSON *round;

	add_round(results, "clean", CLOCK_S);
	round = add_round(results, "killed", 2 * CLOCK_S);
	cJSON_ReplaceItemInObjectCaseSensitive(round, "met", cJSON_CreateFalse());
	page = print_page(results);
	assert_true(strstr(page, "id=\"case-2\" open") < strstr(page, "id=\"case-1\""));
	assert_int_equal(count_of(page, "\" open>"), 1);
}

/* --- the picture --- */

static void a_grace_in_sight_is_a_line_with_its_name(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	cJSON *round = add_round(results, "clean", 1500 * CLOCK_MS);
	cJSON *lanes = cJSON_GetObjectItem(add_picture(round), "lanes");
	SCOPED(mem_free) char *page = NULL;

	add_lane(lanes, "PID 1 (nginx)", 0, 1500 * CLOCK_MS);
	page = print_page(results);
	assert_has(page, ">grace 2.00s</text>");
	assert_has(page, ">end 1.50s</text>");
	assert_has(page, ">stop signal</text>");
	assert_has(page, "PID 1 (nginx)");
}

static void a_grace_that_is_far_away_is_told(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	cJSON *round = add_round(results, "clean", 20 * CLOCK_MS);
	cJSON *lanes = cJSON_GetObjectItem(add_picture(round), "lanes");
	SCOPED(mem_free) char *page = NULL;

	add_lane(lanes, "PID 1", 0, 20 * CLOCK_MS);
	page = print_page(results);
	assert_has(page, "The grace of 2.00s ends 98 times as far to the right.");
	assert_null(strstr(page, ">grace 2.00s</text><text"));
}

static void a_page_of_500_lanes_weighs_less_than_1_mb(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	cJSON *picture = add_picture(add_round(results, "clean", CLOCK_S));
	cJSON *lanes = cJSON_GetObjectItem(picture, "lanes");
	SCOPED(mem_free) char *page = NULL;

	for (int i = 0; i < LANES_MAX; i++) {
		cJSON *lane;

		add_lane(lanes, "financial_reports of session 1234 (pid 12345)", 0,
			i * CLOCK_MS);
		lane = cJSON_GetArrayItem(lanes, i);
		for (int k = 0; k < 3; k++) {
			cJSON_AddItemToArray(cJSON_GetObjectItem(lane, "spans"),
				cJSON_Duplicate(
					cJSON_GetObjectItem(lane, "spans")->child,
					true));
			cJSON_AddItemToArray(cJSON_GetObjectItem(lane, "marks"),
				cJSON_Duplicate(
					cJSON_GetObjectItem(lane, "marks")->child,
					true));
		}
	}
	for (int i = 0; i < 300; i++)
		add_line(picture,
			"a line of a log that is neither short nor long, with "
			"<brackets> & \"quotes\" which take more room");
	page = print_page(results);
	assert_in_range(strlen(page), 300000, 999999);
}

/* --- the curve --- */

static void play_curve(cJSON *results, int64_t each_ns)
{
	static const unsigned sessions[] = {1, 3, 5, 10, 20};

	for (size_t i = 0; i < COUNT(sessions); i++) {
		for (unsigned k = 0; k < 3; k++) {
			cJSON *round = add_round(results, "clean",
				10 * CLOCK_MS + sessions[i] * each_ns);

			json_fill(cJSON_GetObjectItem(round, "axes"),
				"{'load.sessions': %u}", sessions[i]);
		}
	}
}

static void serial_work_has_a_largest_number(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	play_curve(results, 50 * CLOCK_MS);
	page = print_page(results);
	assert_has(
		page, "<b>Serial.</b> One more of <code>sessions</code> adds 50.0ms");
	assert_has(page, "largest number that survives a grace of 2.00s is about 39");
	assert_has(page, "95% interval: 50.0ms to 50.0ms");
}

static void parallel_work_has_none(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	play_curve(results, 100 * CLOCK_US);
	page = print_page(results);
	assert_has(page, "<b>Parallel.</b>");
	assert_null(strstr(page, "largest number"));
}

static void two_values_are_no_curve(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	for (unsigned i = 1; i <= 2; i++)
		json_fill(cJSON_GetObjectItem(
				  add_round(results, "clean", i * CLOCK_MS), "axes"),
			"{'load.sessions': %u}", i);
	page = print_page(results);
	assert_null(strstr(page, "class=\"curve\""));
}

/* --- the comparison --- */

static void play_comparison(cJSON *results, const char *text)
{
	cJSON *comparison = json_fill(cJSON_AddObjectToObject(results, "comparison"),
		"{'regressions': %u}", 1);
	cJSON *cases, *item, *differences;

	json_fill(cJSON_AddObjectToObject(comparison, "base"),
		"{'title': %s, 'started': %s}", text, "2026");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(comparison, "caveats"),
		cJSON_CreateString(text));
	cases = cJSON_AddArrayToObject(comparison, "cases");
	cJSON_AddItemToArray(cases, json_fill(NULL, "{'id': %s}", "kill/same"));
	item = json_fill(NULL,
		"{'id': %s, 'shift_ns': %u, 'low_ns': %u, 'high_ns': %u, "
		"'tolerance_ns': %u}",
		text, 30000000, 20000000, 40000000, 5000000);
	cJSON_AddBoolToObject(item, "regression", true);
	json_fill(cJSON_AddObjectToObject(item, "base"), "{'median_ns': %u}", 50000000);
	json_fill(cJSON_AddObjectToObject(item, "new"), "{'median_ns': %u}", 80000000);
	differences = cJSON_AddArrayToObject(item, "differences");
	cJSON_AddItemToArray(differences,
		json_fill(NULL, "{'kind': %s, 'text': %s}", "slower", text));
	cJSON_AddItemToArray(cases, item);
}

static void what_became_worse_is_told_with_its_interval(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	add_round(results, "clean", CLOCK_S);
	play_comparison(results, "main");
	page = print_page(results);
	assert_has(page, "Worse than main: 1 regression</h2>");
	/* From -40 to 40 ms: the interval, and the shift within it. */
	assert_has(page, "x1=\"75.00%\" x2=\"100.00%\"");
	assert_has(page, "cx=\"87.50%\"");
	assert_has(page, "<td class=\"n\">50.0&nbsp;ms<td class=\"n\">80.0&nbsp;ms");
	assert_has(page, "1 case is as before.");
	assert_null(strstr(page, "kill/same"));
}

/* --- hostile texts --- */

static const char *const hostile[] = {
	"</script><script>alert(1)</script>",
	"<img src=x onerror=alert(1)>",
	"\" onmouseover=\"alert(1)",
	"' onmouseover='alert(1)",
	"</title></style><base href=//evil>",
	"<!--",
	"\xe2\x80\xae turned \x1b[31m\a",
	"invalid \xff\xc0\xaf\xed\xa0\x80",
	"%s%n&lt;",
};

static void put_everywhere(cJSON *round, const char *text)
{
	static const char *const members[] = {"name", "why", "reason", "command", "id"};
	cJSON *picture = add_picture(round);

	for (size_t i = 0; i < COUNT(members); i++) {
		cJSON_DeleteItemFromObjectCaseSensitive(round, members[i]);
		cJSON_AddStringToObject(round, members[i], text);
	}
	cJSON_AddStringToObject(cJSON_GetObjectItem(round, "axes"), text, text);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(round, "diagnoses"),
		json_fill(NULL, "{'id': %s, 'text': %s}", text, text));
	cJSON_AddItemToArray(cJSON_AddArrayToObject(round, "expectations"),
		json_fill(NULL, "{'what': %s, 'wanted': %s, 'seen': %s}", text, text,
			text));
	add_lane(cJSON_GetObjectItem(picture, "lanes"), text, 0, CLOCK_S);
	add_lane(cJSON_GetObjectItem(picture, "lanes"), text, 0, CLOCK_S);
	add_line(picture, text);
	cJSON_AddItemToObject(round, "held_up_by",
		json_fill(NULL, "{'kind': %s, 'name': %s, 'what': %s}", text, text,
			text));
	cJSON_AddItemToArray(cJSON_AddArrayToObject(round, "chain"),
		json_fill(NULL,
			"{'kind': %s, 'name': %s, 'what': %s, 'from_ns': 0, 'to_ns': %u}",
			text, text, text, 1000000000));
	add_change(round, text);
}

static void a_change_is_told_with_its_saving(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;

	add_change(add_round(results, "clean", CLOCK_S), "a <b");
	page = print_page(results);
	assert_has(page, "<h3>What if</h3>");
	assert_has(page, "<code>a &#60;b</code> a &#60;b &rarr; a &#60;b<td>a &#60;b");
}

static void hostile_texts_are_text(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(hostile); i++) {
		SCOPED(json_free) cJSON *results = make_results();
		SCOPED(mem_free) char *page = NULL;
		SCOPED(mem_free) char *mended = NULL;

		put_everywhere(add_round(results, "killed", CLOCK_S), hostile[i]);
		play_comparison(results, hostile[i]);
		put_everywhere(add_round(results, "clean", CLOCK_S), hostile[i]);
		page = print_page(results);
		assert_int_equal(count_of(page, "<script"), 1);
		assert_int_equal(count_of(page, "</script"), 1);
		assert_int_equal(count_of(page, "</style"), 1);
		assert_null(strstr(page, "<img"));
		assert_null(strstr(page, "<base"));
		assert_null(strstr(page, "<!--"));
		assert_null(strstr(page, "\" onmouseover"));
		assert_null(strstr(page, "' onmouseover"));
		mended = utf8_mend(page, "\n\t");
		assert_string_equal(page, mended);
	}
}

static void its_policy_forbids_what_is_not_its_own(void **state UNUSED)
{
	SCOPED(json_free) cJSON *results = make_results();
	SCOPED(mem_free) char *page = NULL;
	const char *policy;

	add_round(results, "clean", CLOCK_S);
	page = print_page(results);
	policy = strstr(page, "Content-Security-Policy");
	assert_non_null(policy);
	assert_has(policy, "default-src &#39;none&#39;");
	assert_null(strstr(page, "unsafe-inline"));
	assert_null(strstr(page, " style=\""));
	assert_null(strstr(page, "http:"));
	assert_null(strstr(page, "https:"));
	assert_null(strstr(page, "url("));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_sentence_says_how_it_went),
		cmocka_unit_test(the_cure_stands_below_the_causes),
		cmocka_unit_test(what_held_it_up_stands_beside_it),
		cmocka_unit_test(
			further_rounds_are_shown_where_they_are_not_as_expected),
		cmocka_unit_test(those_that_are_not_as_expected_come_first),
		cmocka_unit_test(a_grace_in_sight_is_a_line_with_its_name),
		cmocka_unit_test(a_grace_that_is_far_away_is_told),
		cmocka_unit_test(a_page_of_500_lanes_weighs_less_than_1_mb),
		cmocka_unit_test(serial_work_has_a_largest_number),
		cmocka_unit_test(parallel_work_has_none),
		cmocka_unit_test(two_values_are_no_curve),
		cmocka_unit_test(what_became_worse_is_told_with_its_interval),
		cmocka_unit_test(a_change_is_told_with_its_saving),
		cmocka_unit_test(hostile_texts_are_text),
		cmocka_unit_test(its_policy_forbids_what_is_not_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

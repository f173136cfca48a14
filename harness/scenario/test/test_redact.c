#include "harness/scenario/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static int set_up(void **state)
{
	static struct scenario scenario;

	scenario = (struct scenario){0};
	strlist_add(&scenario.service.env, "API_TOKEN=it's \"5\" \\ it");
	strlist_add(&scenario.service.env, "PLAIN=plain");
	strlist_add(&scenario.service.env, "DSN=db://me");
	strlist_add(&scenario.service.env, "PASSWORD=abc");
	strlist_add(&scenario.service.secrets, "DSN");
	strlist_add(&scenario.load.request.headers, "authorization=Bearer me");
	strlist_add(&scenario.service.container.env_file, "FILE_KEY=filed");
	strlist_add(&scenario.load.request.headers, "Accept=text/plain");
	*state = &scenario;
	return 0;
}

static int tear_down(void **state)
{
	struct scenario *scenario = *state;

	strlist_done(&scenario->service.env);
	strlist_done(&scenario->service.secrets);
	strlist_done(&scenario->service.container.env_file);
	strlist_done(&scenario->load.request.headers);
	return 0;
}

static const struct {
	const char *text, *shown, *why;
} rows[] = {
	{"a it's \"5\" \\ it b", "a *** b", "as it is"},
	{"db://me db://me,", "*** ***,", "each time, and by its name in secrets"},
	{"{\"t\":\"it's \\\"5\\\" \\\\ it\"}", "{\"t\":\"***\"}", "in JSON"},
	{"--set 'A=it'\\''s \"5\" \\ it'", "--set 'A=***'", "in a shell"},
	{"--set 'A=\"it'\\''s \\\"5\\\" \\\\ it\"'", "--set 'A=\"***\"'",
		"JSON in a shell"},
	{"Bearer me, text/plain", "***, text/plain", "a header"},
	{"filed", "***", "of an env_file"},
	{"plain", "plain", "no secret"},
	{"abc", "abc", "short: by chance"},
	{"", "", "nothing"},
};

static void redact_hides_a_value_however_it_is_quoted(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *shown = redact(*state, rows[i].text);

		if (strcmp(shown, rows[i].shown) != 0)
			fail_msg("%s: %s", rows[i].why, shown);
	}
}

static void redact_json_hides_it_in_every_string_and_leaves_the_rest(void **state)
{
	static const char text[] =
		"{\"db://me\":[1,{\"a\":\"is db://me\"},\"it's \\\"5\\\" \\\\ it\"],"
		"\"b\":null}";
	SCOPED(json_free) cJSON *json = json_parse(text, strlen(text));
	SCOPED(mem_free) char *shown = NULL;

	redact_json(*state, json);
	shown = json_print(json);
	assert_string_equal(
		shown, "{\"db://me\":[1,{\"a\":\"is ***\"},\"***\"],\"b\":null}");
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(redact_hides_a_value_however_it_is_quoted),
		SCENE(redact_json_hides_it_in_every_string_and_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

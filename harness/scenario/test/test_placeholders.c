#include "harness/scenario/placeholders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const values[PLACEHOLDERS] = {
	[PLACEHOLDER_AGENT_URL] = "http://127.0.0.1:1",
	[PLACEHOLDER_PORT] = "8080",
	[PLACEHOLDER_GRACE] = "5ns",
};

static void placeholders_are_replaced_and_other_braces_are_kept(void **state UNUSED)
{
	static const struct {
		const char *text, *expanded, *why;
	} rows[] = {
		{"", "", "nothing to replace"},
		{"plain", "plain", "no brace"},
		{"{port}", "8080", "the whole text"},
		{"--port={port} --url={agent_url}/v1",
			"--port=8080 --url=http://127.0.0.1:1/v1", "two in one text"},
		{"{port}{port}", "80808080", "side by side"},
		{"{agent_key}", "", "a value that the run does not have"},
		{"{{port}}", "{port}", "the escaped form"},
		{"{{other}}", "{other}", "the escaped form of no placeholder"},
		{"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}", "JSON"},
		{"{\"port\":{port}}", "{\"port\":8080}", "a placeholder in JSON"},
		{"f() { echo; }; ${HOME}", "f() { echo; }; ${HOME}", "a shell script"},
		{"{port", "{port", "no end"},
		{"{}", "{}", "no name"},
		{"{{port}", "{8080", "a brace in front of a placeholder"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *expanded = placeholders_expand(rows[i].text, values);

		if (strcmp(expanded, rows[i].expanded) != 0)
			fail_msg("%s: \"%s\"", rows[i].why, expanded);
		free(expanded);
	}
}

static void an_escaped_text_is_expanded_to_itself(void **state UNUSED)
{
	static const char *const texts[] = {"", "plain", "{port}", "{{port}}",
		"{{{port}}}", "{port}{other}", "{\"a\":{\"b\":1}}", "${HOME} {", "{}"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		char *escaped = placeholders_escape(texts[i]);
		char *expanded = placeholders_expand(escaped, values);
		struct err err;

		assert_true(placeholders_check(escaped, &err));
		assert_string_equal(expanded, texts[i]);
		free(escaped);
		free(expanded);
	}
}

static void placeholders_of_unknown_names_are_found(void **state UNUSED)
{
	struct err err = {0};

	for (size_t i = 0; i < PLACEHOLDERS; i++) {
		char text[64];

		snprintf(text, sizeof text, "x{%s}", placeholder_names[i]);
		assert_true(placeholders_check(text, &err));
		assert_true(placeholders_use(text, (enum placeholder)i));
		assert_false(placeholders_use(text, (enum placeholder)(i ? 0 : 1)));
	}
	assert_true(placeholders_check("{{agent_ulr}} {\"a\":1} ${HOME}", &err));
	assert_false(placeholders_use("{{port}}", PLACEHOLDER_PORT));
	assert_false(placeholders_check("{port} {agent_ulr}", &err));
	assert_string_equal(err.text,
		"there is no placeholder {agent_ulr}; did you mean {agent_url}?");
	assert_false(placeholders_check("{whatever}", &err));
	assert_string_equal(err.text,
		"there is no placeholder {whatever}; there are: {agent_url}, "
		"{agent_key}, {mcp_config}, {port}, {ledger}, {grace}; write "
		"{{whatever}} for the text itself");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders_are_replaced_and_other_braces_are_kept),
		cmocka_unit_test(an_escaped_text_is_expanded_to_itself),
		cmocka_unit_test(placeholders_of_unknown_names_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

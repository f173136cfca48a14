#include "mock-agent/session/turn_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define CUSTOM       "{\"type\":\"custom\",\"name\":\"look\",\"input_schema\":{}}"
#define OWN(more)    "{\"type\":\"agent_toolset_20260401\"" more "}"
#define SHOP(more)   "{\"type\":\"mcp_toolset\",\"mcp_server_name\":\"shop\"" more "}"
#define POLICY(type) "{\"permission_policy\":{\"type\":\"" type "\"}}"

static const struct {
	const char *tools;
	const char *named; /* what is called; NULL: a count of 3 */
	const char *uses;  /* kind (c, o, m), name, "?" where it asks */
	const char *why;
} rows[] = {
	{"[]", NULL, "", "there is none"},
	{"[" CUSTOM "," OWN("") "]", NULL, "c:look c:look c:look ",
		"a count goes round the custom ones"},
	{"[" OWN("") "]", NULL, "o:bash o:read o:write ", "or the others"},
	{"[" OWN(",\"default_config\":" POLICY("always_ask")) "]", NULL,
		"o:bash? o:read? o:write? ", "all ask"},
	{"[" OWN(",\"configs\":[{\"name\":\"read\",\"permission_policy\":{\"type\":"
		 "\"always_ask\"}},{\"name\":\"bash\",\"enabled\":false}]") "]",
		NULL, "o:read? o:write o:edit ", "one asks, one is off"},
	{"[" OWN(",\"default_config\":{\"enabled\":false},\"configs\":[{\"name\":"
		 "\"grep\",\"enabled\":true}]") "]",
		NULL, "o:grep o:grep o:grep ", "one is on"},
	{"[" SHOP("") "]", NULL, "m:call m:call m:call ", "a server of unknown tools"},
	{"[" SHOP(",\"configs\":[{\"name\":\"buy\"},{\"name\":\"sell\"}]") "]", NULL,
		"m:buy m:sell m:buy ", "a server's configured tools"},
	{"[" CUSTOM "," OWN("") "]", "grep", "o:grep ", "by name"},
	{"[" CUSTOM "]", "grep", "", "a name that it does not have"},
	{"[" SHOP(",\"default_config\":" POLICY("always_ask")) "]", "mcp__shop__buy",
		"m:buy? ", "any tool of a server"},
	{"[" SHOP(",\"configs\":[{\"name\":\"buy\"}]") "]", "buy", "m:buy ",
		"a configured one by its own name"},
	{"[" SHOP("") "]", "mcp__store__buy", "", "of another server"},
};

static void turn_uses_the_tools_of_the_agent(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *name =
			mem_text(rows[i].named ? rows[i].named : "");
		struct tool_call call = {name, NULL, 1};
		const struct tool_calls calls = {.count = rows[i].named ? 0 : 3,
			.named = &call,
			.named_count = rows[i].named != NULL};
		SCOPED(turn_tools_done) struct turn_tools tools;
		SCOPED(buf_done) struct buf uses = {0};
		const struct turn_tool *tool;
		cJSON *input;

		turn_tools_read(&tools,
			json_parse(rows[i].tools, strlen(rows[i].tools)), &calls);
		for (int64_t made = 0; (tool = turn_tools_next(&tools, &calls, made,
						"hi", &input)) != NULL;
			made++) {
			buf_addf(&uses, "%c:%s%s ", "com"[tool->kind], tool -> name,
				tool -> asks ? "?" : "");
			assert_true(cJSON_IsObject(input));
			cJSON_Delete(input);
		}
		if (strcmp(buf_text(&uses), rows[i].uses) != 0)
			fail_msg("%s: %s", rows[i].why, buf_text(&uses));
	}
}

static void tool_has_the_input_that_it_needs(void **state UNUSED)
{
	static const char declared[] = "[" OWN("") "]";
	char name[] = "edit";
	struct tool_call call = {name, NULL, 1};
	const struct tool_calls calls = {.named = &call, .named_count = 1};
	SCOPED(turn_tools_done) struct turn_tools tools;
	SCOPED(json_free) cJSON *input = NULL;

	turn_tools_read(&tools, json_parse(declared, strlen(declared)), &calls);
	assert_non_null(turn_tools_next(&tools, &calls, 0, "hi", &input));
	assert_string_equal(json_text(input, "file_path"), "hi");
	assert_string_equal(json_text(input, "new_string"), "hi");
	assert_int_equal(cJSON_GetArraySize(input), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turn_uses_the_tools_of_the_agent),
		cmocka_unit_test(tool_has_the_input_that_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

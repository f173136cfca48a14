#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "service/agent/agent_release.h"
#include "service/config.h"

/* The flags of one start; the environment is emptied of what could interfere. */
static bool read_flags(struct config *config, const char *const *flags, struct err *err)
{
	const char *argv[16] = {"service"};
	int argc = 1;

	for (; flags && *flags; flags++)
		argv[argc++] = *flags;
	return config_read(config, argc, (char **)(uintptr_t)argv, err);
}

static int empty_environment(UNUSED void **state)
{
	static const char *const names[] = {"AGENT_KEY", "WEBHOOK_TOKEN", "MCP_CONFIG",
		"BOTS", "GRACE", "RESERVE", "TURN_BUDGET", "HOST", "PORT", "MODEL"};

	for (size_t i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	return 0;
}

static void config_has_defaults_that_need_nobody(UNUSED void **state)
{
	struct config config;
	struct err err = {0};

	assert_true(read_flags(&config, NULL, &err));
	assert_string_equal(config.host, "127.0.0.1");
	assert_int_equal(config.port, 8080);
	assert_int_equal(config.bots.count, 3);
	assert_string_equal(config.bots.item[0], "financial_analyst");
	assert_string_equal(config.bots.item[2], "operations_assistant");
	assert_int_equal(config.session_end, AGENT_SESSION_KEEP);
	assert_int_equal(config.disconnect, DISCONNECT_PARALLEL);
	assert_int_equal(config.mcp.start, MCP_START_LAZY);
	assert_string_equal(config.store_path, ":memory:");
	assert_int_equal(config.mcp.count, 0);
	assert_int_equal(config.idle_ns, 30 * 60 * CLOCK_S);
	config_done(&config);
}

static void config_keeps_a_tenth_of_the_grace_in_reserve(UNUSED void **state)
{
	static const struct {
		const char *flags[4];
		int64_t budget_ns, turn_budget_ns;
		const char *why;
	} rows[] = {
		{{"--grace=10s"}, 9 * CLOCK_S, 9 * CLOCK_S / 2, "the default"},
		{{"--grace=1s"}, 900 * CLOCK_MS, 450 * CLOCK_MS, "a tenth"},
		{{"--grace=1m"}, 59 * CLOCK_S, 59 * CLOCK_S / 2, "one second at most"},
		{{"--grace=10s", "--reserve=4s"}, 6 * CLOCK_S, 3 * CLOCK_S, "said so"},
		{{"--grace=10s", "--reserve=0s"}, 10 * CLOCK_S, 5 * CLOCK_S,
			"nothing is fine"},
		{{"--grace=10s", "--turn-budget=1s"}, 9 * CLOCK_S, CLOCK_S, "said so"},
		{{"--grace=10s", "--turn-budget=0s"}, 9 * CLOCK_S, 0,
			"turns get nothing"},
		{{"--grace=2500000000ns"}, 2250 * CLOCK_MS, 1125 * CLOCK_MS, "in ns"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config config;
		struct err err = {0};

		if (!read_flags(&config, rows[i].flags, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		assert_int_equal(config.budget_ns, rows[i].budget_ns);
		assert_int_equal(config.turn_budget_ns, rows[i].turn_budget_ns);
		config_done(&config);
	}
}

static void config_lingers_for_a_quarter_of_the_budget_at_most(UNUSED void **state)
{
	const char *flags[] = {"--grace=1s", "--reserve=200ms", "--linger=5s", NULL};
	struct config config;
	struct err err = {0};

	assert_true(read_flags(&config, flags, &err));
	assert_int_equal(config.linger_ns, 200 * CLOCK_MS);
	config_done(&config);
}

/* The servers are the CLI's children: it gets what was given, but for those that are
 * disabled. */
static void config_keeps_the_servers_for_the_cli(UNUSED void **state)
{
	const char *flags[] = {"--agent=cli", "--agent-url=http://host/room/{room}",
		"--mcp-config={\"mcpServers\":{\"a\":{\"command\":\"x\","
		"\"env\":{\"K\":\"v\"}},\"off\":{\"command\":\"x\","
		"\"disabled\":true},\"b\":{\"command\":\"x\"}}}",
		NULL};
	struct config config;
	struct err err = {0};

	if (!read_flags(&config, flags, &err))
		fail_msg("%s", err.text);
	assert_string_equal(config.cli.mcp_text,
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"env\":{\"K\":\"v\"}},"
		"\"b\":{\"command\":\"x\"}}}");
	assert_string_equal(config.cli.allowed_tools, "mcp__a,mcp__b");
	assert_string_equal(config.mcp_setting, "(given as text)");
	config_done(&config);
}

static void config_turns_away_what_makes_no_sense(UNUSED void **state)
{
	static const struct {
		const char *flag;
		const char *says;
	} rows[] = {
		{"--agent-url=ftp://x", "AGENT_URL: expected http"},
		{"--agent-url=http://", "AGENT_URL: the host is missing"},
		{"--agent-url=http:///x", "AGENT_URL: the host is missing"},
		{"--agent-url=http://user:key@host/",
			"credentials belong in AGENT_KEY"},
		{"--agent-url=http://host/room/{room}",
			"AGENT_URL: {room} goes with AGENT=cli"},
		{"--agent=mcp", "agent"},
		{"--cli-start-timeout=0s", "CLI_START_TIMEOUT: expected more than 0"},
		{"--bots=", "BOTS: a name is empty"},
		{"--bots=a,,b", "BOTS: a name is empty"},
		{"--bots=a,b/c", "BOTS: \"b/c\""},
		{"--bots=a,b,a", "BOTS: \"a\" is given twice"},
		{"--grace=0s", "RESERVE: nothing of the GRACE"},
		{"--reserve=10s", "RESERVE: nothing of the GRACE"},
		{"--reserve=10", "RESERVE: "},
		{"--turn-budget=soon", "TURN_BUDGET: "},
		{"--drain-jitter=6s", "DRAIN_JITTER: more than half"},
		{"--turn-timeout=0s", "TURN_TIMEOUT: expected more than 0"},
		{"--mcp-call-timeout=0s", "MCP_CALL_TIMEOUT: expected more than 0"},
		{"--port=65536", "port"},
		{"--session-limit=0", "session-limit"},
		{"--disconnect=paralel", "disconnect"},
		{"--mcp-config={\"mcpServers\":[]}",
			"MCP_CONFIG: text:1:2: mcpServers"},
		{"--mcp-config=/nonexistent/mcp.json", "MCP_CONFIG: "},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *flags[] = {rows[i].flag, NULL};
		struct config config;
		struct err err = {0};

		if (read_flags(&config, flags, &err))
			fail_msg("%s was taken", rows[i].flag);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: said \"%s\"", rows[i].flag, err.text);
	}
}

static void config_takes_no_key_that_would_break_a_header(UNUSED void **state)
{
	static const char *const keys[] = {
		"sk-1\n", "sk\r\nX-Other: 1", "sk\t1", "\x7f"};
	const char *flags[] = {NULL};
	struct config config;
	struct err err = {0};

	for (size_t i = 0; i < COUNT(keys); i++) {
		setenv("AGENT_KEY", keys[i], 1);
		assert_false(read_flags(&config, flags, &err));
		assert_non_null(strstr(err.text, "AGENT_KEY: it contains a control"));
		assert_null(strstr(err.text, "sk"));
	}
	setenv("AGENT_KEY", "sk-ant \xc3\xa9", 1);
	assert_true(read_flags(&config, flags, &err));
	config_done(&config);
	unsetenv("AGENT_KEY");
}

static void config_knows_its_bots_by_name(UNUSED void **state)
{
	const char *flags[] = {"--bots=ann, bob ,cy_3", NULL};
	struct config config;
	struct err err = {0};

	assert_true(read_flags(&config, flags, &err));
	assert_int_equal(config.bots.count, 3);
	assert_ptr_equal(config_bot(&config, "bob"), config.bots.item[1]);
	assert_string_equal(config_bot(&config, "cy_3"), "cy_3");
	assert_null(config_bot(&config, "bo"));
	assert_null(config_bot(&config, ""));
	config_done(&config);
}

static void config_takes_an_empty_variable_for_none(UNUSED void **state)
{
	struct config config;
	struct err err = {0};

	setenv("AGENT_KEY", "", 1);
	setenv("WEBHOOK_TOKEN", "", 1);
	setenv("MCP_CONFIG", "", 1);
	setenv("RESERVE", "", 1);
	assert_true(read_flags(&config, NULL, &err));
	assert_null(config.agent_key);
	assert_null(config.webhook_token);
	assert_null(config.mcp_setting);
	assert_int_equal(config.budget_ns, 9 * CLOCK_S);
	config_done(&config);
	empty_environment(state);
}

/* The start-up report names every setting; a server's environment holds secrets. */
static void config_does_not_keep_the_text_of_its_servers(UNUSED void **state)
{
	const char *flags[] = {
		"--mcp-config={\"mcpServers\":{\"a\":{\"command\":\"cat\","
		"\"env\":{\"KEY\":\"s3cret\"}}}}",
		NULL};
	struct config config;
	struct err err = {0};

	assert_true(read_flags(&config, flags, &err));
	assert_int_equal(config.mcp.count, 1);
	assert_null(strstr(config.mcp_setting, "s3cret"));
	config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_has_defaults_that_need_nobody),
		cmocka_unit_test(config_keeps_a_tenth_of_the_grace_in_reserve),
		cmocka_unit_test(config_lingers_for_a_quarter_of_the_budget_at_most),
		cmocka_unit_test(config_keeps_the_servers_for_the_cli),
		cmocka_unit_test(config_turns_away_what_makes_no_sense),
		cmocka_unit_test(config_takes_no_key_that_would_break_a_header),
		cmocka_unit_test(config_knows_its_bots_by_name),
		cmocka_unit_test(config_takes_an_empty_variable_for_none),
		cmocka_unit_test(config_does_not_keep_the_text_of_its_servers),
	};

	return cmocka_run_group_tests(tests, empty_environment, NULL);
}

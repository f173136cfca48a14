#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cc.h"
#include "service/mcp/mcp_config.h"

static void servers_read_the_usual_form(UNUSED void **state)
{
	struct mcp_config servers;
	struct err err = {0};

	assert_true(mcp_config_read(&servers,
		" {\"mcpServers\":{"
		"\"skills\":{\"type\":\"stdio\",\"command\":\"mock-mcp\","
		"\"args\":[\"--name\",\"a b\"],\"env\":{\"LEVEL\":\"3\",\"EMPTY\":\"\"}},"
		"\"financial\":{\"command\":\"/bin/cat\"}},\"other\":1}",
		&err));
	assert_int_equal(servers.count, 2);
	assert_string_equal(servers.list[0].name, "skills");
	assert_string_equal(servers.list[0].argv.item[0], "mock-mcp");
	assert_string_equal(servers.list[0].argv.item[1], "--name");
	assert_string_equal(servers.list[0].argv.item[2], "a b");
	assert_null(servers.list[0].argv.item[3]);
	assert_string_equal(servers.list[0].env.item[0], "LEVEL=3");
	assert_string_equal(servers.list[0].env.item[1], "EMPTY=");
	assert_string_equal(servers.list[1].argv.item[0], "/bin/cat");
	assert_null(servers.list[1].argv.item[1]);
	mcp_config_done(&servers);
}

static void servers_say_where_they_are_wrong(UNUSED void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"{", "text:1:2: "},
		{"{} x", "text:1:4: "},
		{"{}", "text:1:1: \"mcpServers\" is missing"},
		{"{\"mcpServers\": 3}", "text:1:2: mcpServers: expected an object"},
		{"{\"mcpServers\": {\"a\": []}}", "text:1:17: a: expected an object"},
		{"{\"mcpServers\": {\"\": {\"command\": \"x\"}}}",
			"text:1:17: a server's name"},
		{"{\"mcpServers\": {\"a\": {}}}", "text:1:17: \"command\" is missing"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": 1}}}",
			"text:2:3: command: expected the program"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"\"}}}",
			"text:2:3: command"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"args\": \"y\"}}}",
			"text:2:19: args: expected an array"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"args\": [\"y\", 2]}}}",
			"text:2:33: args: expected a string"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"env\": []}}}",
			"text:2:19: env: expected an object"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"env\": {\"A\": 1}}}}",
			"text:2:27: env: A: expected a string"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"env\": {\"A=B\": \"1\"}}}}",
			"text:2:27: env: \"A=B\" is no variable"},
		{"{\"mcpServers\": {\"a\":\n {\"comand\": \"x\"}}}",
			"text:2:3: comand: unknown key, did you mean \"command\"?"},
		{"{\"mcpServers\": {\"a\":\n {\"type\": \"http\", \"command\": \"x\"}}}",
			"text:2:3: type: only \"stdio\""},
		{"{\"mcpServers\": {\"a\":{\"command\":\"x\"}, \"a\":{\"command\":\"y\"}}}",
			"stands in this object already"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mcp_config servers;
		struct err err = {0};

		if (mcp_config_read(&servers, rows[i].text, &err))
			fail_msg("%s was taken", rows[i].text);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: said \"%s\"", rows[i].text, err.text);
	}
}

static void servers_come_from_a_file_as_well(UNUSED void **state)
{
	char path[] = "/tmp/test-servers-XXXXXX";
	int fd = mkstemp(path);
	struct mcp_config servers;
	struct err err = {0};

	assert_true(fd >= 0);
	assert_true(
		dprintf(fd, "{\"mcpServers\":\n {\"a\": {\"command\": \"x\"}}}") > 0);
	assert_true(mcp_config_read(&servers, path, &err));
	assert_string_equal(servers.list[0].name, "a");
	mcp_config_done(&servers);
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_false(mcp_config_read(&servers, path, &err));
	assert_non_null(strstr(err.text, path));
	close(fd);
	unlink(path);
}

static void servers_are_others_when_anything_about_them_is(UNUSED void **state)
{
	static const char *const texts[] = {
		"{\"mcpServers\":{\"a\":{\"command\":\"x\"}}}",
		"{\"mcpServers\":{\"b\":{\"command\":\"x\"}}}",
		"{\"mcpServers\":{\"a\":{\"command\":\"y\"}}}",
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\"1\"]}}}",
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\"\",\"1\"]}}}",
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"env\":{\"A\":\"1\"}}}}",
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\"A=1\"]}}}",
	};
	uint64_t seen[COUNT(texts)];

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct mcp_config servers;
		struct err err = {0};

		assert_true(mcp_config_read(&servers, texts[i], &err));
		seen[i] = servers.list[0].fingerprint;
		mcp_config_done(&servers);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	}
}

static const char *find(const struct strlist *list, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (char **env = list->item; *env; env++) {
		if (strncmp(*env, name, len) != 0 || (*env)[len] != '=')
			continue;
		assert_null(found); /* each name once */
		found = *env + len + 1;
	}
	return found;
}

static void servers_inherit_everything_but_our_secrets(UNUSED void **state)
{
	struct mcp_config servers;
	struct err err = {0};
	struct strlist env = {0};

	setenv("AGENT_KEY", "k", 1);
	setenv("WEBHOOK_TOKEN", "t", 1);
	setenv("MCP_CONFIG", "{}", 1);
	setenv("STORE", "/s", 1);
	setenv("COLOUR", "red", 1);
	setenv("LEVEL", "1", 1);
	setenv("SESSION_ROOM", "stale", 1);
	assert_true(mcp_config_read(&servers,
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"env\":{\"LEVEL\":\"3\"}}}}",
		&err));
	mcp_config_env(&servers.list[0], "7", "ann", &env);
	assert_null(find(&env, "AGENT_KEY"));
	assert_null(find(&env, "WEBHOOK_TOKEN"));
	assert_null(find(&env, "MCP_CONFIG"));
	assert_null(find(&env, "STORE"));
	assert_string_equal(find(&env, "COLOUR"), "red");
	assert_string_equal(find(&env, "LEVEL"), "3");
	assert_string_equal(find(&env, "SESSION_ROOM"), "7");
	assert_string_equal(find(&env, "SESSION_BOT"), "ann");
	assert_string_equal(find(&env, "PATH"), getenv("PATH"));
	strlist_done(&env);
	mcp_config_done(&servers);
	unsetenv("SESSION_ROOM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_read_the_usual_form),
		cmocka_unit_test(servers_say_where_they_are_wrong),
		cmocka_unit_test(servers_come_from_a_file_as_well),
		cmocka_unit_test(servers_are_others_when_anything_about_them_is),
		cmocka_unit_test(servers_inherit_everything_but_our_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

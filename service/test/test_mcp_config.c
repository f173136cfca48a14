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
#include "lib/mem.h"
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
			"text:2:19: command: not of a server that has a url"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"command\": \"x\"}}}",
			"text:2:3: url: not of a server that is a program"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"env\": {}}}}",
			"text:2:22: env: not of a server that has a url"},
		{"{\"mcpServers\": {\"a\":\n {\"type\": \"http\"}}}",
			"text:1:17: \"url\" is missing"},
		{"{\"mcpServers\": {\"a\":\n {\"type\": \"sse\", \"url\": \"http://x\"}}}",
			"text:2:3: type: \"sse\", the HTTP transport of 2024-11-05"},
		{"{\"mcpServers\": {\"a\":\n {\"type\": \"ws\", \"url\": \"http://x\"}}}",
			"text:2:3: type: expected \"stdio\" or \"http\""},
		{"{\"mcpServers\": {\"a\":\n {\"type\": 1, \"url\": \"http://x\"}}}",
			"text:2:3: type: expected \"stdio\" or \"http\""},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"ftp://x\"}}}",
			"text:2:3: url: expected \"http://HOST...\""},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http:///x\"}}}",
			"text:2:3: url: expected \"http://HOST...\""},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x/a b\"}}}",
			"text:2:3: url: expected \"http://HOST...\""},
		{"{\"mcpServers\": {\"a\":\n {\"url\": 7}}}",
			"text:2:3: url: expected a string, not a number"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": []}}}",
			"text:2:22: headers: expected an object"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": {\"A\": 1}}}}",
			"text:2:34: headers: A: expected a string"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": {\"A:\": \"1\"}}}}",
			"text:2:34: headers: \"A:\" is no header's name"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": {\"accept\": \"1\"}}}}",
			"text:2:34: headers: accept is written by the client"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": {\"A\": \"1\\r\\nB: 2\"}}}}",
			"text:2:34: headers: A: a value is one line"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"cwd\": 1}}}",
			"text:2:19: cwd: expected a string"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"disabled\": 1}}}",
			"text:2:19: disabled: expected true or false"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"timeout\": \"1s\"}}}",
			"text:2:19: timeout: expected milliseconds from 1"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"timeout\": 0}}}",
			"text:2:19: timeout: expected milliseconds from 1"},
		{"{\"mcpServers\": {\"a\":\n {\"command\": \"x\", \"args\": [\"${NOT_SET}\"]}}}",
			"text:2:28: args: the variable NOT_SET is not set"},
		{"{\"mcpServers\": {\"a\":\n {\"url\": \"http://x\", \"headers\": {\"A\": \"Bearer ${NOT_SET}\"}}}}",
			"text:2:34: headers: A: the variable NOT_SET is not set; "
			"${NOT_SET:-text}"},
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
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"cwd\":\"/a\"}}}",
		"{\"mcpServers\":{\"a\":{\"url\":\"http://x\"}}}",
		"{\"mcpServers\":{\"a\":{\"url\":\"http://y\"}}}",
		"{\"mcpServers\":{\"a\":{\"url\":\"http://x\",\"headers\":{\"A\":\"1\"}}}}",
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

static void servers_have_the_keys_of_other_clients(UNUSED void **state)
{
	struct mcp_config servers;
	struct err err = {0};

	assert_true(mcp_config_read(&servers,
		"{\"mcpServers\":{\"a\":{\"command\":\"x\",\"cwd\":\"/srv\","
		"\"timeout\":1500},\"off\":{\"command\":\"x\",\"disabled\":true},"
		"\"b\":{\"type\":\"streamable-http\",\"url\":\"https://x:1/mcp\","
		"\"disabled\":false}}}",
		&err));
	assert_int_equal(servers.count, 2);
	assert_string_equal(servers.list[0].folder, "/srv");
	assert_int_equal(servers.list[0].timeout_ns, 1500000000);
	assert_null(servers.list[0].url);
	assert_string_equal(servers.list[1].name, "b");
	assert_string_equal(servers.list[1].url, "https://x:1/mcp");
	assert_int_equal(servers.list[1].argv.count, 0);
	assert_int_equal(servers.list[1].timeout_ns, 0);
	mcp_config_done(&servers);
}

static void servers_expand_variables(UNUSED void **state)
{
	static const struct expansion {
		const char *text, *expanded;
	} rows[] = {
		{"${LEVEL}", "3"},
		{"a${LEVEL}b${LEVEL}", "a3b3"},
		{"${NOT_SET:-none}", "none"},
		{"${NOT_SET:-}", ""},
		{"${EMPTY:-none}", ""},
		{"$LEVEL ${} ${1} ${LEVEL ${LE-VEL} $",
			"$LEVEL ${} ${1} ${LEVEL ${LE-VEL} $"},
		{"${NOT_SET:-open", "${NOT_SET:-open"},
	};

	setenv("LEVEL", "3", 1);
	setenv("EMPTY", "", 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free)
		char *text = mem_textf("{\"mcpServers\":{\"a\":{\"command\":\"x\","
				       "\"env\":{\"A\":\"%s\"}}}}",
			rows[i].text);
		SCOPED(mem_free) char *pair = mem_textf("A=%s", rows[i].expanded);
		struct mcp_config servers;
		struct err err = {0};

		if (!mcp_config_read(&servers, text, &err))
			fail_msg("%s", err.text);
		assert_string_equal(servers.list[0].env.item[0], pair);
		mcp_config_done(&servers);
	}
}

static void servers_over_http_know_their_session(UNUSED void **state)
{
	struct mcp_config servers;
	struct err err = {0};
	struct strlist headers = {0};
	SCOPED(mem_free) char *url = NULL;

	setenv("TOKEN", "t1", 1);
	setenv("SESSION_ROOM", "stale", 1);
	assert_true(mcp_config_read(&servers,
		"{\"mcpServers\":{\"a\":{\"url\":\"http://x/${SESSION_ROOM}\","
		"\"headers\":{\"Authorization\":\"Bearer ${TOKEN}\","
		"\"X-Session\":\"${SESSION_ROOM}/${SESSION_BOT}\"}}}}",
		&err));
	mcp_server_config_headers(&servers.list[0], "7 a\r\nX: 1", "ann", &headers);
	url = mcp_server_config_url(&servers.list[0], "7/8", "ann");
	assert_int_equal(headers.count, 2);
	assert_string_equal(headers.item[0], "Authorization: Bearer t1");
	assert_string_equal(headers.item[1], "X-Session: 7%20a%0D%0AX:%201/ann");
	assert_string_equal(url, "http://x/7%2F8");
	strlist_done(&headers);
	mcp_config_done(&servers);
	unsetenv("SESSION_ROOM");
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
	mcp_server_config_env(&servers.list[0], "7", "ann", &env);
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
		cmocka_unit_test(servers_have_the_keys_of_other_clients),
		cmocka_unit_test(servers_expand_variables),
		cmocka_unit_test(servers_over_http_know_their_session),
		cmocka_unit_test(servers_inherit_everything_but_our_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

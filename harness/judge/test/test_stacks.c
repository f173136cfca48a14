/*
 * The known stacks: which process is which, and what is known of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "harness/engine/engine.h"
#include "harness/judge/stacks.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "test/support/temp_dir.h"

static int open_stacks(void **state)
{
	*state = stacks_create();
	return 0;
}

static int close_stacks(void **state)
{
	stacks_destroy(*state);
	return 0;
}

static void a_process_is_known_by_its_name_or_command(void **state)
{
	static const struct {
		const char *name, *command, *stack, *why;
	} rows[] = {
		{"nginx", "nginx: master process nginx -g daemon off;", "nginx",
			"its own title"},
		{"nginx", "/usr/sbin/nginx -g daemon off;", "nginx", "a path"},
		{"tini", "tini -- nginx", "tini", "an init before what it runs"},
		{"docker-init", "/sbin/docker-init -- sleep 9", "tini", "docker's"},
		{"uvicorn", "/usr/bin/python3 /usr/bin/uvicorn app:app", "uvicorn",
			"a script's process"},
		{"python3", "python3 /usr/bin/uvicorn app:app", "uvicorn",
			"an interpreter's second word"},
		{"python3", "python3 -m uvicorn app:app", "uvicorn", "a module"},
		{"python3.11", "python3.11 app.py", "Python", "any other script"},
		{"php-fpm8.2", "php-fpm: master process (/etc/php)", "php-fpm", "*"},
		{"npm start", "npm start", "npm", "its own title"},
		{"node", "node server.js", "Node.js", ""},
		{"MainThread", "/usr/local/bin/node server.js", "Node.js", ""},
		{"postgres", "postgres: 15/main: checkpointer", "PostgreSQL", ""},
		{"systemd", "/sbin/init", "systemd", "a link's name"},
		{"uwsgi", "uwsgi --die-on-term --ini a.ini", "uwsgi --die-on-term", ""},
		{"uwsgi", "uwsgi --ini a.ini", "uwsgi", ""},
		{"node", "node /x/claude --output-format stream-json",
			"claude-agent-sdk", ""},
		{"java", "java -Xrs -cp /app Main", "JVM with -Xrs", "an option"},
		{"java", "java -cp /app Main", "JVM", ""},
		{"runsv", "runsv web", "runsv", "not runsvdir"},
		{"sleep", "sleep 99", NULL, "not a stack"},
		{"curl", "curl http://nginx", NULL, "a host of that name"},
		{"", "", NULL, "not readable"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct stack *stack =
			stacks_match(*state, rows[i].name, rows[i].command);

		if (!stack || !rows[i].stack) {
			assert_true(!stack && !rows[i].stack);
			continue;
		}
		assert_string_equal(stack->name, rows[i].stack);
	}
}

static const struct stack *named(void *state, const char *name)
{
	const struct stack *stack = stacks_match(state, name, name);

	assert_non_null(stack);
	return stack;
}

static void its_last_words_have_a_meaning(void **state)
{
	const struct stack *uvicorn = named(*state, "uvicorn");
	const char *means = stack_last_words(uvicorn,
		"INFO:     Waiting for connections to close. (CTRL+C to force quit)");

	assert_non_null(means);
	assert_non_null(strstr(means, "waits for open connections"));
	assert_null(stack_last_words(uvicorn, "GET / 200"));
}

static void a_signal_has_a_meaning_of_its_own(void **state)
{
	const struct stack *nginx = named(*state, "nginx");

	assert_string_equal(nginx->stop_signal, "SIGQUIT");
	assert_non_null(strstr(stack_signal_means(nginx, SIGTERM), "requests"));
	assert_null(stack_signal_means(nginx, SIGHUP));
	assert_non_null(stack_signal_means(
		named(*state, "systemd"), signal_number("SIGRTMIN+3")));
	assert_string_equal(named(*state, "redis-server")->stop_signal, "SIGTERM");
}

static void not_every_signal_stops_it(void **state)
{
	const struct stack *nginx = named(*state, "nginx");

	assert_true(stack_has_signal(&nginx->runs_on, SIGWINCH));
	assert_false(stack_has_signal(&nginx->runs_on, SIGQUIT));
	assert_true(stack_has_signal(&named(*state, "runsvdir")->leaves, SIGTERM));
	assert_int_equal(named(*state, "java")->exit_code, 143);
	assert_int_equal(nginx->exit_code, 0);
}

static void its_timeout_is_the_options_or_its_default(void **state)
{
	const struct stack *gunicorn = named(*state, "gunicorn");
	const struct stack *uvicorn = named(*state, "uvicorn");

	assert_int_equal(stack_timeout_ns(gunicorn, "gunicorn a"), 30 * CLOCK_S);
	assert_int_equal(stack_timeout_ns(gunicorn, "gunicorn --graceful-timeout 8 a"),
		8 * CLOCK_S);
	assert_int_equal(stack_timeout_ns(gunicorn, "gunicorn --graceful-timeout=8"),
		8 * CLOCK_S);
	assert_int_equal(stack_timeout_ns(gunicorn, "gunicorn --graceful-timeout"),
		30 * CLOCK_S);
	assert_true(stack_timeout_ns(uvicorn, "uvicorn a") == STACK_UNBOUNDED);
	assert_int_equal(stack_timeout_ns(named(*state, "nginx"),
				 "nginx -g worker_shutdown_timeout 500ms;"),
		500 * CLOCK_MS);
	assert_int_equal(stack_timeout_ns(named(*state, "tini"), "tini -- a"), 0);
}

/* Gives what stacks_add_file() says of this text. */
static bool add_text(struct stacks *stacks, const char *text, struct err *err)
{
	char *folder = temp_dir_create();
	SCOPED(mem_free) char *path = mem_textf("%s/mine.json", folder);
	bool ok;

	assert_true(fs_write_file(path, text, strlen(text), err));
	ok = stacks_add_file(stacks, path, err);
	temp_dir_remove(folder);
	return ok;
}

static void a_file_adds_stacks_before_the_known_ones(void **state)
{
	const struct stack *mine;
	struct err err = {0};

	assert_true(add_text(*state,
		"{\"stacks\": [{\"name\": \"mine\", \"programs\": [\"nginx\"], "
		"\"stop_signal\": \"SIGUSR1\", \"timeout\": \"3s\", \"source\": \"me\"}]}",
		&err));
	mine = named(*state, "nginx");
	assert_string_equal(mine->name, "mine");
	assert_string_equal(mine->stop_signal, "SIGUSR1");
	assert_int_equal(stack_timeout_ns(mine, "nginx"), 3 * CLOCK_S);
	assert_string_equal(named(*state, "redis-server")->name, "redis");
}

static void a_wrong_file_is_an_error_with_its_place(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"{}", "mine.json:1:1: expected {\"stacks\": [...]}"},
		{"{\"stacks\": [{\"name\": \"a\"}]}", "source"},
		{"{\"stacks\": [{\"nmae\": \"a\", \"source\": \"b\"}]}", "\"name\""},
		{"{\"stacks\": [{\"name\": \"a\", \"source\": \"b\",\n"
		 "\"stop_signal\": \"SIGNOT\"}]}",
			"mine.json:2:1: stop_signal: no such signal: SIGNOT"},
		{"{\"stacks\": [{\"name\": \"a\", \"source\": \"b\", "
		 "\"signals\": {\"X\": \"y\"}}]}",
			"signals: no such signal: X"},
		{"{\"stacks\": [{\"name\": \"a\", \"source\": \"b\",\n"
		 "\"leaves\": [\"SIGTERM\", \"Y\"]}]}",
			"mine.json:2:1: leaves: no such signal: Y"},
		{"{\"stacks\": [{\"name\": \"a\", \"source\": \"b\", "
		 "\"exit_code\": 256}]}",
			"exit_code"},
		{"{\"stacks\": [{\"name\": \"a\", \"source\": \"b\", \"last_words\": "
		 "[{\"line\": \"(\", \"means\": \"x\"}]}]}",
			"not a regular expression"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};

		assert_false(add_text(*state, rows[i].text, &err));
		if (!strstr(err.text, rows[i].says))
			print_error("%s\n", err.text);
		assert_non_null(strstr(err.text, rows[i].says));
	}
	assert_string_equal(named(*state, "nginx")->name, "nginx");
}

/* "below the grace" has to be true of the number that the cure names. */
static void the_time_in_a_cure_fits_the_grace(void **state)
{
	static const struct {
		const char *stack;
		int64_t grace_ns;
		const char *says;
	} rows[] = {
		{"gunicorn", 10 * CLOCK_S, "`gunicorn --graceful-timeout 8`, below"},
		{"gunicorn", 5 * CLOCK_S, "`gunicorn --graceful-timeout 4`, below"},
		{"mongod", 30 * CLOCK_S, "Shutdown=24000`"},
		{"gunicorn", ATTACH_NO_GRACE_NS, "--graceful-timeout 8`"},
		{"gunicorn", CLOCK_S, "--stop-timeout 10`"},
		{"postgres", CLOCK_S, "`stop_signal: SIGINT`."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf cure = {0};

		stack_add_cure(named(*state, rows[i].stack), rows[i].grace_ns, &cure);
		if (!strstr(buf_text(&cure), rows[i].says))
			print_error("%s\n", buf_text(&cure));
		assert_non_null(strstr(buf_text(&cure), rows[i].says));
		assert_null(strchr(buf_text(&cure), '{'));
	}
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, open_stacks, close_stacks)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_process_is_known_by_its_name_or_command),
		SCENE(its_last_words_have_a_meaning),
		SCENE(a_signal_has_a_meaning_of_its_own),
		SCENE(not_every_signal_stops_it),
		SCENE(its_timeout_is_the_options_or_its_default),
		SCENE(the_time_in_a_cure_fits_the_grace),
		SCENE(a_file_adds_stacks_before_the_known_ones),
		SCENE(a_wrong_file_is_an_error_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/cli/cli_command.h"
#include "service/cli/cli_session.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"

#define PATIENCE_NS (30 * CLOCK_S)
#define LONG_NS     (60 * CLOCK_S)
#define SHORT_NS    (20 * CLOCK_MS)

/* The real cli_session over mock-cli, which answers by itself where the URL is "". */
struct cli_scene {
	uv_loop_t loop;
	struct reaper *reaper;
	struct metrics metrics;
	struct cli_config config;
	struct cli_host host;
	struct cli_session *session;
	struct loop_timer *patience;
	char *folder;
	struct buf told; /* what was called, a word each */
	char *id, *why;
	unsigned calls;
	int api; /* a socket that accepts and never answers, or -1 */
};

static void tell(struct cli_scene *scene, const char *word, const char *why)
{
	buf_addf(&scene->told, "%s;", word);
	free(scene->why);
	scene->why = mem_text(why ? why : "");
	scene->calls++;
	uv_stop(&scene->loop);
}

static void on_opened(void *arg, const char *id, const char *why)
{
	struct cli_scene *scene = arg;

	free(scene->id);
	scene->id = mem_text(id);
	tell(scene, id ? "opened" : "not opened", why);
}

static void on_turned(void *arg, enum turn_end end, const char *text)
{
	tell(arg, turn_end_names[end], text);
}

static void on_broke(void *arg, const char *why)
{
	tell(arg, "broke", why);
}

static void on_released(void *arg, const char *why)
{
	tell(arg, "released", why);
}

static const struct cli_session_events events = {
	.opened = on_opened, .turned = on_turned, .broke = on_broke};

static void on_impatience(UNUSED void *arg)
{
	fail_msg("waited in vain");
}

/* Until so many callbacks have come in all. */
static void await(struct cli_scene *scene, unsigned calls)
{
	loop_timer_set(scene->patience, PATIENCE_NS);
	while (scene->calls < calls)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	loop_timer_stop(scene->patience);
}

static int begin(void **state)
{
	struct cli_scene *scene = mem_zeroed(sizeof *scene);
	struct err err = {0};

	scene->api = -1;
	uv_loop_init(&scene->loop);
	scene->reaper = reaper_create(&scene->loop, NULL, NULL, &err);
	assert_non_null(scene->reaper);
	scene->patience = loop_timer_create(&scene->loop, on_impatience, scene);
	scene->folder = temp_dir_create();
	scene->config = (struct cli_config){
		.path = mem_textf("%s/mock-cli", program_folder()),
		.start_ns = LONG_NS,
		.interrupt_ns = LONG_NS,
		.eof_ns = LONG_NS,
		.term_ns = LONG_NS,
	};
	scene->host = (struct cli_host){
		.loop = &scene->loop,
		.reaper = scene->reaper,
		.spawn_queue = spawn_queue_create(&scene->loop),
		.metrics = &scene->metrics,
		.config = &scene->config,
		.agent_url = "",
		.model = "claude-sonnet-5",
	};
	unsetenv("MOCK_CLI_BEHAVIOR");
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct cli_scene *scene = *state;

	cli_session_destroy(scene->session);
	spawn_queue_destroy(scene->host.spawn_queue);
	loop_timer_destroy(scene->patience);
	reaper_destroy(scene->reaper);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	temp_dir_remove(scene->folder);
	if (scene->api >= 0)
		close(scene->api);
	buf_done(&scene->told);
	free(scene->config.path);
	free(scene->id);
	free(scene->why);
	free(scene);
	return 0;
}

static void open_session(struct cli_scene *scene, const char *id)
{
	scene->session =
		cli_session_open(&scene->host, id, false, "7", "bot", &events, scene);
	assert_int_equal(scene->calls, 0);
	await(scene, 1);
}

static void say(struct cli_scene *scene, const char *text)
{
	struct err err = {0};

	if (!cli_session_send(scene->session, text, &err))
		fail_msg("%s", err.text);
}

static void release(struct cli_scene *scene, int64_t deadline_ns)
{
	cli_session_release(scene->session, deadline_ns, on_released, scene);
}

/* A turn hangs in a request that nobody answers. */
static void hang_the_model(struct cli_scene *scene)
{
	static char url[64];
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	scene->api = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->api, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(scene->api, 8), 0);
	getsockname(scene->api, (struct sockaddr *)&at, &len);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
	scene->host.agent_url = url;
}

/* Its request is there. */
static void await_request(const struct cli_scene *scene)
{
	assert_true(accept4(scene->api, NULL, NULL, SOCK_CLOEXEC) >= 0);
}

/* --- turns --- */

static void cli_session_answers_turns_in_one_process(void **state)
{
	struct cli_scene *scene = *state;

	open_session(scene, NULL);
	assert_int_equal(strlen(scene->id), 36);
	say(scene, "hello");
	await(scene, 2);
	assert_string_equal(scene->why, "You said: hello");
	say(scene, "again");
	await(scene, 3);
	assert_string_equal(scene->why, "You said: again");
	release(scene, 0);
	await(scene, 4);
	assert_string_equal(
		buf_text(&scene->told), "opened;answered;answered;released;");
	assert_string_equal(scene->why, "");
	assert_int_equal(scene->metrics.cli_starts, 1);
	assert_int_equal(scene->metrics.cli_steps[CHILD_EOF], 1);
	assert_int_equal(scene->metrics.cli_steps[CHILD_TERM], 0);
}

static void cli_session_takes_one_turn_at_a_time(void **state)
{
	struct cli_scene *scene = *state;
	struct err err = {0};

	hang_the_model(scene);
	open_session(scene, NULL);
	say(scene, "hello");
	assert_false(cli_session_send(scene->session, "again", &err));
	assert_string_equal(err.text, "a turn is running");
}

static void cli_session_interrupts_a_turn(void **state)
{
	struct cli_scene *scene = *state;

	hang_the_model(scene);
	open_session(scene, NULL);
	say(scene, "hello");
	await_request(scene);
	cli_session_interrupt(scene->session);
	await(scene, 2);
	assert_string_equal(buf_text(&scene->told), "opened;interrupted;");
}

static void cli_session_breaks_when_the_process_ends(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR", "{\"cli\": {\"crash\": \"turn\"}}", 1);
	open_session(scene, NULL);
	say(scene, "hello");
	await(scene, 3);
	assert_string_equal(buf_text(&scene->told), "opened;failed;broke;");
	assert_non_null(strstr(scene->why, "killed by signal 6"));
}

/* --- opening --- */

static void cli_session_says_that_there_is_no_program(void **state)
{
	struct cli_scene *scene = *state;

	free(scene->config.path);
	scene->config.path = mem_text("no-such-cli");
	open_session(scene, NULL);
	assert_string_equal(buf_text(&scene->told), "not opened;");
	assert_non_null(strstr(scene->why, "no-such-cli"));
	assert_false(cli_session_exists(scene->session));
	release(scene, 0);
	await(scene, 2);
}

static void cli_session_says_why_the_process_did_not_start(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR", "{\"cli\": {\"crsh\": \"turn\"}}", 1);
	open_session(scene, NULL);
	assert_string_equal(buf_text(&scene->told), "not opened;");
	assert_non_null(strstr(scene->why, "code 2"));
	assert_non_null(strstr(scene->why, "did you mean \"crash\"?"));
}

static void cli_session_does_not_wait_for_ever_for_initialize(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR", "{\"cli\": {\"mute\": true}}", 1);
	scene->config.start_ns = 300 * CLOCK_MS;
	open_session(scene, NULL);
	assert_string_equal(buf_text(&scene->told), "not opened;");
	assert_non_null(strstr(scene->why, "initialize"));
	release(scene, 0);
	await(scene, 2);
	assert_string_equal(buf_text(&scene->told), "not opened;released;");
}

/* As the real CLI does with a conversation that is not on its disk. */
static void cli_session_begins_anew_when_it_cannot_resume(void **state)
{
	struct cli_scene *scene = *state;
	SCOPED(mem_free) char *path = mem_textf("%s/claude", scene->folder);
	SCOPED(mem_free) char *script = mem_textf("#!/bin/sh\n"
						  "case \"$*\" in *--resume*)\n"
						  "echo 'No conversation found' >&2\n"
						  "exit 1 ;; esac\n"
						  "exec '%s' \"$@\"\n",
		realpath(scene->config.path, (char[4096]){0}));
	struct err err = {0};

	assert_true(fs_write_file(path, script, strlen(script), &err));
	assert_int_equal(chmod(path, 0755), 0);
	free(scene->config.path);
	scene->config.path = mem_text(path);
	open_session(scene, "0f0f0f0f-0000-4000-8000-000000000001");
	assert_string_equal(buf_text(&scene->told), "opened;");
	assert_string_not_equal(scene->id, "0f0f0f0f-0000-4000-8000-000000000001");
	assert_int_equal(scene->metrics.cli_starts, 2);
}

static void cli_session_resumes_a_stored_conversation(void **state)
{
	struct cli_scene *scene = *state;

	open_session(scene, "0f0f0f0f-0000-4000-8000-000000000001");
	assert_string_equal(scene->id, "0f0f0f0f-0000-4000-8000-000000000001");
}

/* --- the release --- */

static void cli_session_is_released_before_its_start(void **state)
{
	struct cli_scene *scene = *state;

	scene->session =
		cli_session_open(&scene->host, NULL, false, "7", "bot", &events, scene);
	release(scene, 0);
	await(scene, 1);
	assert_string_equal(buf_text(&scene->told), "released;");
	assert_int_equal(scene->metrics.cli_starts, 0);
}

static void cli_session_interrupts_the_turn_before_eof(void **state)
{
	struct cli_scene *scene = *state;

	hang_the_model(scene);
	open_session(scene, NULL);
	say(scene, "hello");
	await_request(scene);
	release(scene, 0);
	await(scene, 3);
	assert_string_equal(buf_text(&scene->told), "opened;interrupted;released;");
	assert_int_equal(scene->metrics.cli_steps[CHILD_EOF], 1);
	assert_int_equal(scene->metrics.cli_steps[CHILD_TERM], 0);
}

/* The deadline is a minute away, and the steps are short. */
static void cli_session_kills_a_frozen_process(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR", "{\"cli\": {\"freeze\": \"turn\"}}", 1);
	scene->config.interrupt_ns = scene->config.eof_ns = scene->config.term_ns =
		SHORT_NS;
	open_session(scene, NULL);
	say(scene, "hello");
	release(scene, clock_now() + LONG_NS);
	await(scene, 3);
	assert_string_equal(buf_text(&scene->told), "opened;interrupted;released;");
	assert_int_equal(scene->metrics.cli_steps[CHILD_TERM], 1);
	assert_int_equal(scene->metrics.cli_kills, 1);
}

/* The steps are a minute each, and fit below the deadline. */
static void cli_session_fits_its_steps_below_the_deadline(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR",
		"{\"cli\": {\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}}", 1);
	open_session(scene, NULL);
	release(scene, clock_now() + 200 * CLOCK_MS);
	await(scene, 2);
	assert_string_equal(buf_text(&scene->told), "opened;released;");
	assert_string_equal(scene->why, "");
	assert_int_equal(scene->metrics.cli_kills, 1);
}

static void cli_session_can_be_given_up(void **state)
{
	struct cli_scene *scene = *state;

	setenv("MOCK_CLI_BEHAVIOR", "{\"cli\": {\"on_eof\": \"ignore\"}}", 1);
	open_session(scene, NULL);
	release(scene, 0);
	cli_session_give_up(scene->session, "second signal");
	await(scene, 2);
	assert_string_equal(scene->why, "second signal");
}

/* --- what the process is given --- */

static bool has(const struct strlist *list, const char *item)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->item[i], item) == 0)
			return true;
	return false;
}

static bool has_name(const struct strlist *list, const char *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strncmp(list->item[i], name, strlen(name)) == 0)
			return true;
	return false;
}

static void cli_command_tells_the_room_and_no_secret(void **state)
{
	struct cli_scene *scene = *state;
	SCOPED(strlist_done) struct strlist env = {0};

	setenv("AGENT_KEY", "secret", 1);
	setenv("WEBHOOK_TOKEN", "secret", 1);
	setenv("MCP_CONFIG", "secret", 1);
	scene->host.agent_url = "http://127.0.0.1:1/room/{room}";
	scene->host.key = "key";
	cli_command_env(&scene->host, "a b/\xc3\xa4", "bot", &env);
	unsetenv("AGENT_KEY");
	unsetenv("WEBHOOK_TOKEN");
	unsetenv("MCP_CONFIG");
	assert_true(
		has(&env, "ANTHROPIC_BASE_URL=http://127.0.0.1:1/room/a%20b%2F%C3%A4"));
	assert_true(has(&env, "ANTHROPIC_API_KEY=key"));
	assert_true(has(&env, "SESSION_ROOM=a b/\xc3\xa4"));
	assert_true(has(&env, "SESSION_BOT=bot"));
	assert_false(has_name(&env, "AGENT_KEY="));
	assert_false(has_name(&env, "WEBHOOK_TOKEN="));
	assert_false(has_name(&env, "MCP_CONFIG="));
}

static void cli_command_is_that_of_the_sdks(void **state)
{
	struct cli_scene *scene = *state;
	SCOPED(strlist_done) struct strlist fresh = {0};
	SCOPED(strlist_done) struct strlist warm = {0};
	char servers[] = "{\"mcpServers\":{}}", tools[] = "mcp__skills";

	scene->config.mcp_text = servers;
	scene->config.allowed_tools = tools;
	cli_command_argv(&scene->host,
		&(struct cli_conversation){.id = "i", .forgets = true}, &fresh);
	cli_command_argv(&scene->host,
		&(struct cli_conversation){.id = "i", .resumes = true}, &warm);
	assert_true(has(&fresh, "--session-id=i"));
	assert_true(has(&fresh, "--no-session-persistence"));
	assert_true(has(&fresh, "--mcp-config"));
	assert_true(has(&fresh, servers));
	assert_true(has(&fresh, "--allowedTools=mcp__skills"));
	assert_true(has(&warm, "--resume=i"));
	assert_false(has(&warm, "--no-session-persistence"));
	assert_false(has_name(&warm, "--session-id"));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(cli_session_answers_turns_in_one_process),
		SCENE(cli_session_takes_one_turn_at_a_time),
		SCENE(cli_session_interrupts_a_turn),
		SCENE(cli_session_breaks_when_the_process_ends),
		SCENE(cli_session_says_that_there_is_no_program),
		SCENE(cli_session_says_why_the_process_did_not_start),
		SCENE(cli_session_does_not_wait_for_ever_for_initialize),
		SCENE(cli_session_begins_anew_when_it_cannot_resume),
		SCENE(cli_session_resumes_a_stored_conversation),
		SCENE(cli_session_is_released_before_its_start),
		SCENE(cli_session_interrupts_the_turn_before_eof),
		SCENE(cli_session_kills_a_frozen_process),
		SCENE(cli_session_fits_its_steps_below_the_deadline),
		SCENE(cli_session_can_be_given_up),
		SCENE(cli_command_tells_the_room_and_no_secret),
		SCENE(cli_command_is_that_of_the_sdks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

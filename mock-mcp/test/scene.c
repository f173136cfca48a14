#include "mock-mcp/test/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/ledger_reader.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define PIECE 65536

struct mcp_scene {
	struct program program;
	int in, out; /* -1: closed */
	bool eof_wanted;
	bool reading;
	struct buf to_send, got, line, errors;
	struct ledger_reader *ledger;
	char *folder;
	int stderr_file;
	char piece[PIECE];
};

static void read_stdout(struct mcp_scene *scene)
{
	ssize_t len = read(scene->out, scene->piece, PIECE);

	if (len > 0) {
		assert_true(buf_add(&scene->got, scene->piece, (size_t)len));
	} else if (len == 0) {
		close(scene->out);
		scene->out = -1;
	}
}

static void close_stdin(struct mcp_scene *scene)
{
	if (scene->in >= 0)
		close(scene->in);
	scene->in = -1;
}

static void write_stdin(struct mcp_scene *scene)
{
	ssize_t len = write(scene->in, buf_text(&scene->to_send), scene->to_send.len);

	if (len > 0)
		buf_drop(&scene->to_send, (size_t)len);
	else if (len < 0 && errno != EAGAIN)
		close_stdin(scene);
	if (scene->to_send.len == 0 && scene->eof_wanted)
		close_stdin(scene);
}

/* Handles what happened, and waits up to ms for it. False: nothing happened. */
static bool turn(struct mcp_scene *scene, int ms)
{
	bool sending = scene->to_send.len > 0 || scene->eof_wanted;
	struct pollfd fds[] = {
		{.fd = scene->reading ? scene->out : -1, .events = POLLIN},
		{.fd = sending ? scene->in : -1, .events = POLLOUT},
		{.fd = scene->program.ended ? -1 : scene->program.pidfd,
			.events = POLLIN},
		{.fd = ledger_reader_fd(scene->ledger), .events = POLLIN},
	};

	if (poll(fds, COUNT(fds), ms) <= 0)
		return false;
	if (fds[0].revents)
		read_stdout(scene);
	if (fds[1].revents)
		write_stdin(scene);
	if (fds[2].revents)
		program_ended(&scene->program);
	if (fds[3].revents)
		ledger_reader_turn(scene->ledger, 0);
	return true;
}

static void turn_until(struct mcp_scene *scene, int64_t deadline, const char *what)
{
	if (clock_now() > deadline)
		fail_msg(
			"waited in vain for %s; stderr: %s", what, scene_errors(scene));
	turn(scene, 100);
}

/* The environment gives the ledger and the session. Variables of common names, which are
 * not the program's own, must not reach its settings. */
static void set_environment(const char *ledger)
{
	static const char *const settings[] = {"MOCK_MCP_NAME", "MOCK_MCP_BEHAVIOR",
		"MOCK_MCP_LEDGER", "MOCK_MCP_SEED"};
	static const char *const common[] = {"NAME", "BEHAVIOR", "LEDGER", "SEED"};
	SCOPED(mem_free) char *address = mem_textf("unix:%s", ledger);

	setenv("STOPBENCH_LEDGER", address, 1);
	setenv("SESSION_ROOM", SCENE_ROOM, 1);
	for (unsigned i = 0; i < COUNT(settings); i++)
		unsetenv(settings[i]);
	for (unsigned i = 0; i < COUNT(common); i++)
		setenv(common[i], "for another program", 1);
}

static int open_stderr_file(const struct mcp_scene *scene)
{
	SCOPED(mem_free) char *path = mem_textf("%s/stderr", scene->folder);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static struct mcp_scene *begin(void **state, const char *behavior, const char *flag,
	const char *other, int errors_fd)
{
	struct mcp_scene *scene = mem_zeroed(sizeof *scene);
	SCOPED(mem_free) char *option = NULL;
	SCOPED(mem_free) char *ledger = NULL;
	int in[2], out[2];

	assert_null(*state);
	*state = scene;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	scene->folder = temp_dir_create();
	scene->reading = true;
	scene->stderr_file = open_stderr_file(scene);
	ledger = mem_textf("%s/ledger", scene->folder);
	scene->ledger = ledger_reader_create(ledger);
	set_environment(ledger);
	option = mem_textf("--behavior=%s", behavior ? behavior : "{}");
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	program_start(&scene->program,
		(const char *[]){"mock-mcp", option, flag, other, NULL},
		(struct program_fds){
			in[0], out[1], errors_fd < 0 ? scene->stderr_file : errors_fd});
	close(in[0]);
	close(out[1]);
	scene->in = in[1];
	scene->out = out[0];
	fcntl(scene->in, F_SETFL, O_NONBLOCK);
	return scene;
}

struct mcp_scene *scene_begin(void **state, const char *behavior)
{
	return begin(state, behavior, NULL, NULL, -1);
}

struct mcp_scene *scene_begin_with(
	void **state, const char *behavior, const char *flag, const char *other)
{
	return begin(state, behavior, flag, other, -1);
}

struct mcp_scene *scene_begin_with_stderr(
	void **state, const char *behavior, int stderr_fd)
{
	return begin(state, behavior, NULL, NULL, stderr_fd);
}

int scene_end(void **state)
{
	struct mcp_scene *scene = *state;
	int64_t deadline = until_deadline();

	if (!scene)
		return 0;
	*state = NULL;
	scene->reading = false; /* a flood has no end */
	while (turn(scene, 0))
		continue;
	program_kill(&scene->program);
	ledger_reader_kill_peers(scene->ledger);
	while (ledger_reader_is_open(scene->ledger, 0))
		turn_until(scene, deadline, "the end of all lifelines");
	while (waitpid(-1, NULL, WNOHANG) > 0) /* adopted orphans */
		continue;
	ledger_reader_destroy(scene->ledger);
	close_stdin(scene);
	scene_close_stdout(scene);
	close(scene->stderr_file);
	temp_dir_remove(scene->folder);
	buf_done(&scene->to_send);
	buf_done(&scene->got);
	buf_done(&scene->line);
	buf_done(&scene->errors);
	free(scene);
	return 0;
}

pid_t scene_pid(const struct mcp_scene *scene)
{
	return scene->program.pid;
}

void scene_send(struct mcp_scene *scene, const char *line)
{
	assert_true(buf_adds(&scene->to_send, line));
	assert_true(buf_adds(&scene->to_send, "\n"));
}

void scene_sendf(struct mcp_scene *scene, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	assert_true(buf_addv(&scene->to_send, format, args));
	va_end(args);
	assert_true(buf_adds(&scene->to_send, "\n"));
}

void scene_send_eof(struct mcp_scene *scene)
{
	scene->eof_wanted = true;
	if (scene->to_send.len == 0)
		close_stdin(scene);
}

const char *scene_line(struct mcp_scene *scene)
{
	int64_t deadline = until_deadline();
	const char *end = NULL;
	size_t seen = 0;

	while (!end) {
		if (scene->got.len > seen)
			end = memchr(
				scene->got.data + seen, '\n', scene->got.len - seen);
		seen = scene->got.len;
		if (!end && scene->out < 0) {
			assert_int_equal(scene->got.len, 0); /* no half line */
			return NULL;
		}
		if (!end)
			turn_until(scene, deadline, "a line");
	}
	buf_clear(&scene->line);
	assert_true(buf_add(
		&scene->line, scene->got.data, (size_t)(end - scene->got.data)));
	buf_drop(&scene->got, scene->line.len + 1);
	return buf_text(&scene->line);
}

const char *scene_rest(struct mcp_scene *scene)
{
	int64_t deadline = until_deadline();

	while (scene->out >= 0)
		turn_until(scene, deadline, "the end of stdout");
	return buf_text(&scene->got);
}

cJSON *scene_answer(struct mcp_scene *scene)
{
	const char *line = scene_line(scene);
	cJSON *answer;

	assert_non_null(line);
	answer = json_parse(line, strlen(line));
	if (!answer)
		fail_msg("no JSON: %.200s", line);
	return answer;
}

void scene_greet(struct mcp_scene *scene)
{
	cJSON *answer;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":\"hello\",\"method\":\"initialize\","
		"\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"test\",\"version\":\"1\"}}}");
	answer = scene_answer(scene);
	assert_string_equal(json_text(answer, "id"), "hello");
	assert_non_null(json_get(answer, "result"));
	cJSON_Delete(answer);
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

void scene_list(struct mcp_scene *scene)
{
	cJSON *answer;

	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":\"list\",\"method\":\"tools/list\"}");
	answer = scene_answer(scene);
	assert_string_equal(json_text(answer, "id"), "list");
	assert_true(cJSON_IsArray(json_at(answer, "result.tools")));
	cJSON_Delete(answer);
}

void scene_ping(struct mcp_scene *scene)
{
	cJSON *answer;

	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"method\":\"ping\"}");
	answer = scene_answer(scene);
	assert_string_equal(json_text(answer, "id"), "ping");
	assert_non_null(json_get(answer, "result"));
	cJSON_Delete(answer);
}

void scene_read(struct mcp_scene *scene, bool reading)
{
	scene->reading = reading;
}

int scene_stdout(const struct mcp_scene *scene)
{
	return scene->out;
}

void scene_close_stdout(struct mcp_scene *scene)
{
	if (scene->out >= 0)
		close(scene->out);
	scene->out = -1;
}

void scene_close_ledger(struct mcp_scene *scene)
{
	ledger_reader_close(scene->ledger);
}

const cJSON *scene_event(
	struct mcp_scene *scene, pid_t pid, const char *name, unsigned nth)
{
	int64_t deadline = until_deadline();
	const cJSON *event;

	while (!(event = ledger_reader_find(scene->ledger, pid, name, nth)))
		turn_until(scene, deadline, name);
	return event;
}

int64_t scene_event_ns(struct mcp_scene *scene, const char *name)
{
	return json_int(scene_event(scene, 0, name, 1), "ns", 0);
}

unsigned scene_count(struct mcp_scene *scene, pid_t pid, const char *name)
{
	bool reading = scene->reading;
	unsigned count = 0;

	scene->reading = false; /* a flood has no end */
	while (turn(scene, 0))
		continue;
	scene->reading = reading;
	while (ledger_reader_find(scene->ledger, pid, name, count + 1))
		count++;
	return count;
}

int scene_status(struct mcp_scene *scene)
{
	int64_t deadline = until_deadline();

	while (!scene->program.ended)
		turn_until(scene, deadline, "the server's end");
	return scene->program.status;
}

bool scene_has_line(const struct mcp_scene *scene, pid_t pid)
{
	return ledger_reader_is_open(scene->ledger, pid);
}

void scene_await_cut(struct mcp_scene *scene, pid_t pid)
{
	int64_t deadline = until_deadline();

	while (scene_has_line(scene, pid))
		turn_until(scene, deadline, "the end of a lifeline");
}

void scene_idle(struct mcp_scene *scene, int ms)
{
	int64_t end = clock_now() + ms * CLOCK_MS;

	while (clock_now() < end)
		turn(scene, 10);
}

const char *scene_errors(struct mcp_scene *scene)
{
	ssize_t len;

	buf_clear(&scene->errors);
	while ((len = pread(scene->stderr_file, scene->piece, PIECE,
			(off_t)scene->errors.len)) > 0)
		buf_add(&scene->errors, scene->piece, (size_t)len);
	return buf_text(&scene->errors);
}

struct mcp_scene *scene_connect(void **state, const char *behavior)
{
	struct mcp_scene *scene = scene_begin(state, behavior);

	scene_greet(scene);
	scene_list(scene);
	return scene;
}

void scene_expect_exit(struct mcp_scene *scene, int code)
{
	int status = scene_status(scene);

	scene_await_cut(scene, scene_pid(scene));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	assert_int_equal(
		json_int(scene_event(scene, 0, "process.exit", 1), "code", -1), code);
}

void scene_expect_killed(struct mcp_scene *scene, int signal)
{
	int status = scene_status(scene);

	scene_await_cut(scene, scene_pid(scene));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
	assert_int_equal(scene_count(scene, 0, "process.exit"), 0);
}

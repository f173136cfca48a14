#include "mock-mcp/test/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/test/ledger.h"

#define PIECE 65536

extern char **environ;

struct mcp_scene {
	pid_t pid;
	int pidfd;
	int status;
	bool ended;
	int in, out; /* -1: closed */
	bool eof_wanted;
	bool reading;
	struct buf to_send, got, line, errors;
	struct mcp_ledger *ledger;
	char folder[64];
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

static void reap(struct mcp_scene *scene)
{
	if (!scene->ended && waitpid(scene->pid, &scene->status, WNOHANG) == scene->pid)
		scene->ended = true;
}

/* One turn of the world: true when something happened. */
static bool turn(struct mcp_scene *scene, int ms)
{
	struct pollfd fds[LEDGER_POLL_MAX + 3];
	bool sending = scene->to_send.len > 0 || scene->eof_wanted;
	unsigned lines;

	fds[0] = (struct pollfd){scene->reading ? scene->out : -1, POLLIN, 0};
	fds[1] = (struct pollfd){sending ? scene->in : -1, POLLOUT, 0};
	fds[2] = (struct pollfd){scene->ended ? -1 : scene->pidfd, POLLIN, 0};
	lines = ledger_poll(scene->ledger, fds + 3);
	if (poll(fds, 3 + lines, ms) <= 0)
		return false;
	if (fds[0].revents)
		read_stdout(scene);
	if (fds[1].revents)
		write_stdin(scene);
	if (fds[2].revents)
		reap(scene);
	ledger_turn(scene->ledger, fds + 3, lines);
	return true;
}

static void turn_until(struct mcp_scene *scene, int64_t deadline, const char *what)
{
	if (clock_now() > deadline)
		fail_msg("in vain: waited for %s; stderr: %s", what,
			scene_errors(scene));
	turn(scene, 100);
}

static int64_t patience(void)
{
	return clock_now() + SCENE_PATIENCE_S * CLOCK_S;
}

/* The program stands in the same tree as the test: ../../bin/mock-mcp. */
static void find_program(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	assert_true(len > 0);
	path[len] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	assert_true(strlen(path) + sizeof "/bin/mock-mcp" < PATH_MAX);
	strcat(path, "/bin/mock-mcp");
}

/* stderr goes to a file if errors_fd is -1. */
static void spawn(
	struct mcp_scene *scene, char *const *argv, int in, int out, int errors_fd)
{
	posix_spawn_file_actions_t actions;
	char program[PATH_MAX], errors[96];

	find_program(program);
	snprintf(errors, sizeof errors, "%s/stderr", scene->folder);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (errors_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, errors_fd, STDERR_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors,
			O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_int_equal(
		posix_spawn(&scene->pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	scene->pidfd = (int)syscall(SYS_pidfd_open, scene->pid, 0);
	assert_true(scene->pidfd >= 0);
}

/* What the program is told by its environment: the ledger and the session. What is
 * not for it, though everybody's environment may have it, it must not take for its own. */
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
		setenv(common[i], "none of its business", 1);
}

static struct mcp_scene *begin(void **state, const char *behavior, const char *flag,
	const char *other, int errors_fd)
{
	struct mcp_scene *scene = mem_zeroed(sizeof *scene);
	SCOPED(mem_free) char *name = mem_text("mock-mcp"), *option = NULL;
	SCOPED(mem_free) char *first = mem_text(flag), *second = mem_text(other);
	SCOPED(mem_free) char *ledger = NULL;
	int in[2], out[2];

	assert_null(*state);
	*state = scene;
	scene->pidfd = scene->in = scene->out = -1;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	strcpy(scene->folder, "/tmp/mock-mcp-test.XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	scene->reading = true;
	ledger = mem_textf("%s/ledger", scene->folder);
	scene->ledger = ledger_create(ledger);
	set_environment(ledger);
	option = mem_textf("--behavior=%s", behavior ? behavior : "{}");
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	spawn(scene, (char *[]){name, option, first, second, NULL}, in[0], out[1],
		errors_fd);
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

static void remove_file(const struct mcp_scene *scene, const char *name)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", scene->folder, name);
	unlink(path);
}

int scene_end(void **state)
{
	struct mcp_scene *scene = *state;
	pid_t pid;

	if (!scene)
		return 0;
	*state = NULL;
	scene->reading = false; /* a flood has no end */
	while (turn(scene, 0))
		continue;
	if (!scene->ended)
		kill(scene->pid, SIGKILL);
	scene_status(scene);
	ledger_kill(scene->ledger);
	while ((pid = ledger_someone(scene->ledger)) > 0)
		scene_await_cut(scene, pid);
	while (waitpid(-1, NULL, WNOHANG) > 0) /* orphans of its, adopted */
		continue;
	ledger_destroy(scene->ledger);
	close_stdin(scene);
	scene_close_stdout(scene);
	close(scene->pidfd);
	remove_file(scene, "ledger");
	remove_file(scene, "stderr");
	rmdir(scene->folder);
	buf_done(&scene->to_send);
	buf_done(&scene->got);
	buf_done(&scene->line);
	buf_done(&scene->errors);
	free(scene);
	return 0;
}

pid_t scene_pid(const struct mcp_scene *scene)
{
	return scene->pid;
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
	int64_t deadline = patience();
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
	int64_t deadline = patience();

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
	ledger_close(scene->ledger);
}

const cJSON *scene_event(
	struct mcp_scene *scene, pid_t pid, const char *name, unsigned nth)
{
	int64_t deadline = patience();
	const cJSON *event;

	while (!(event = ledger_event(scene->ledger, pid, name, nth)))
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
	while (ledger_event(scene->ledger, pid, name, count + 1))
		count++;
	return count;
}

int scene_status(struct mcp_scene *scene)
{
	int64_t deadline = patience();

	while (!scene->ended)
		turn_until(scene, deadline, "the server's end");
	return scene->status;
}

bool scene_has_line(const struct mcp_scene *scene, pid_t pid)
{
	return ledger_has_line(scene->ledger, pid);
}

void scene_await_cut(struct mcp_scene *scene, pid_t pid)
{
	int64_t deadline = patience();

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
	char path[96], piece[4096];
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "%s/stderr", scene->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	buf_clear(&scene->errors);
	while (fd >= 0 && (len = read(fd, piece, sizeof piece)) > 0)
		buf_add(&scene->errors, piece, (size_t)len);
	if (fd >= 0)
		close(fd);
	return buf_text(&scene->errors);
}

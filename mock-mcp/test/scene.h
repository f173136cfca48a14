/*
 * scene - the real mock-mcp, with pipes like a client's and a ledger like the
 * harness's.
 *
 * Everything happens in the calls that wait; each waits for its event, and fails the
 * test when it does not come within UNTIL_PATIENCE_S.
 */
#ifndef MOCK_MCP_TEST_SCENE_H
#define MOCK_MCP_TEST_SCENE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#define SCENE_ROOM "7" /* the session's label */

struct mcp_scene;

/* Starts it with this behavior (NULL: none), and up to two more flags. The scene is
 * the test's state. */
struct mcp_scene *scene_begin(void **state, const char *behavior);
struct mcp_scene *scene_begin_with(
	void **state, const char *behavior, const char *flag, const char *other);

/* With this as its stderr, which stays the caller's. */
struct mcp_scene *scene_begin_with_stderr(
	void **state, const char *behavior, int stderr_fd);

/* Kills the server and every other process with a lifeline. For the test that needs
 * another scene, and for cmocka, as its teardown. */
int scene_end(void **state);

pid_t scene_pid(const struct mcp_scene *scene);

/* Queues a line for its stdin; it is written while we wait. */
void scene_send(struct mcp_scene *scene, const char *line);
void scene_sendf(struct mcp_scene *scene, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void scene_send_eof(struct mcp_scene *scene); /* behind what is queued */

/* The next line of its stdout, borrowed until the next call; NULL at its end. */
const char *scene_line(struct mcp_scene *scene);
/* All that is left of its stdout, up to its end. Borrowed. */
const char *scene_rest(struct mcp_scene *scene);
/* The next line as JSON, the caller's. */
cJSON *scene_answer(struct mcp_scene *scene);
/* Sends initialize and initialized, and takes the answer. */
void scene_greet(struct mcp_scene *scene);
/* Lists the tools, and takes the answer. */
void scene_list(struct mcp_scene *scene);
/* Sends a ping, and demands that its answer is what comes next. */
void scene_ping(struct mcp_scene *scene);

/* From now on its stdout is not read, or is read again. */
void scene_read(struct mcp_scene *scene, bool reading);
int scene_stdout(const struct mcp_scene *scene);
void scene_close_stdout(struct mcp_scene *scene);
void scene_close_ledger(struct mcp_scene *scene);

/* The nth event (from 1) of that name in the ledger; of that pid unless it is 0. */
const cJSON *scene_event(
	struct mcp_scene *scene, pid_t pid, const char *name, unsigned nth);
int64_t scene_event_ns(struct mcp_scene *scene, const char *name);
/* How many came so far, what the kernel has already got included. */
unsigned scene_count(struct mcp_scene *scene, pid_t pid, const char *name);

/* The waitpid status, when it has ended. */
int scene_status(struct mcp_scene *scene);
/* Waits until the kernel has closed the lifeline of that process. */
void scene_await_cut(struct mcp_scene *scene, pid_t pid);
bool scene_has_line(const struct mcp_scene *scene, pid_t pid);
/* Lets that much time pass, with everything going on. For what must not happen. */
void scene_idle(struct mcp_scene *scene, int ms);

/* What it wrote to stderr so far, borrowed. */
const char *scene_errors(struct mcp_scene *scene);

/* scene_begin(), the handshake and tools/list: the server is ready to be stopped. */
struct mcp_scene *scene_connect(void **state, const char *behavior);
/* The server ends with this exit code and reports it, or by this signal and does not. */
void scene_expect_exit(struct mcp_scene *scene, int code);
void scene_expect_killed(struct mcp_scene *scene, int signal);

#endif

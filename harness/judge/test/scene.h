/*
 * scene - the evidence of one case, made by hand for the judge. Times are milliseconds
 * after the stop signal.
 */
#ifndef HARNESS_JUDGE_TEST_SCENE_H
#define HARNESS_JUDGE_TEST_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/judge/judge.h"
#include "lib/cc.h"
#include "lib/clock.h"

#define T0              (1000 * CLOCK_S) /* the stop signal */
#define SCENE_PROCS_MAX 16
#define MASK(number)    (UINT64_C(1) << ((number)-1))

/* System calls in which a process waits. */
enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_PAUSE = 34,
	CALL_VFORK = 58,
	CALL_WAIT4 = 61,
	CALL_SIGTIMEDWAIT = 128,
	CALL_FUTEX = 202,
	CALL_EPOLL_WAIT = 232,
	CALL_ACCEPT4 = 288,
};

/* Before a test plays anything: no session, exit code 0, 300 ms after the signal, of a
 * grace of 2 s. Clean is expected. */
struct judge_scene {
	struct scenario scenario;
	struct evidence evidence;
	struct judgement judgement;
	struct proc pid1[2];

	/* Of scene_run_program(): before the signal, and 100 ms after it. */
	struct proc before[SCENE_PROCS_MAX], last[SCENE_PROCS_MAX];
	struct snapshot looks[2];
	unsigned process_count;
};

int scene_set_up(void **state);
int scene_tear_down(void **state);

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)

/* Three sessions with a server each, all released in time. */
void scene_play_clean(struct judge_scene *scene);

void scene_add_event(struct judge_scene *scene, enum event_source source, int64_t ms,
	const char *format, ...) PRINTF(4, 5);
/* An MCP server of that session that exits by itself. The evidence's. */
struct lifeline *scene_add_server(
	struct judge_scene *scene, int session, int64_t ended_ms);
/* A descendant of PID 1 in the kernel's events, which exits with 0. The evidence's. */
struct proc_record *scene_add_descendant(
	struct judge_scene *scene, pid_t pid, int64_t ended_ms);
void scene_add_request(struct judge_scene *scene, enum request_kind kind, int session,
	enum request_end end);
/* A session's turn runs at the agent API from then on; ended by why, NULL: never. */
void scene_run_turn(struct judge_scene *scene, int session, int64_t from_ms,
	int64_t to_ms, const char *why);
void scene_open_sessions(struct judge_scene *scene, int count);
void scene_begin_shutdown(struct judge_scene *scene, const char *how, int64_t grace_ns);
/* to_ms < 0: it never ends. */
void scene_disconnect(
	struct judge_scene *scene, int session, int64_t from_ms, int64_t to_ms);
void scene_exit_with(struct judge_scene *scene, int code);
/* SIGKILL at the end of the grace, with proof. */
void scene_kill_at_grace(struct judge_scene *scene);
/* PID 1's two snapshots, a second apart, alike. Keeps snapshots, room for two. */
void scene_look_at(
	struct judge_scene *scene, struct snapshot *snapshots, unsigned descendants);

/* --- a program that nobody here wrote --- */

/* Who signals a process of the scene, besides another one. */
enum {
	SCENE_ENGINE = -1,
	SCENE_KERNEL = -2,
	SCENE_STRANGER = -3, /* another process on the host */
};

/* No mocks; the kernel reports signals, descendants and PID 1's exit. PID 1, process 0,
 * gets the stop signal, for which it has a handler, and waits in pause(2). */
void scene_run_program(struct judge_scene *scene, const char *name, int stop_signal);
/* A process below `parent`, like it, that runs when PID 1 ends; by its number. Its pid
 * is 400 + number, and 1 + number in the namespace. */
unsigned scene_add_process(
	struct judge_scene *scene, unsigned parent, const char *name);
/* As it was before the signal, and after it. */
struct proc *scene_before(struct judge_scene *scene, unsigned number);
struct proc *scene_last(struct judge_scene *scene, unsigned number);
/* The same before and after. */
void scene_set_masks(struct judge_scene *scene, unsigned number, uint64_t caught,
	uint64_t blocked, uint64_t ignored);
void scene_wait_in(struct judge_scene *scene, unsigned number, long call);
/* It holds a client's connection. */
void scene_connect(struct judge_scene *scene, unsigned number, const char *peer);
/* It ends, with waitpid's status; the later snapshot does not have it. */
struct proc_record *scene_end_process(
	struct judge_scene *scene, unsigned number, int64_t ms, int wait_status);
/* `sender` signals process `target`. The evidence's, until the next one. */
struct proc_signal *scene_add_signal(struct judge_scene *scene, int64_t ms, int sender,
	unsigned target, int signal_number);
/* The handler of a process begins. */
struct proc_signal *scene_add_handled(
	struct judge_scene *scene, int64_t ms, unsigned number, int signal_number);
/* It calls wait(2). */
void scene_add_wait(struct judge_scene *scene, int64_t ms, unsigned number);
/* In this call, on a descriptor that is `what` ("pipe:[1]"). */
void scene_wait_on(struct judge_scene *scene, unsigned number, long call,
	int descriptor, const char *what);
void scene_trace_nothing(struct judge_scene *scene);
void scene_log_line(struct judge_scene *scene, int64_t ms, const char *line);
/* A program that takes its stop signal, and is killed when the grace expires. */
void scene_hang(struct judge_scene *scene, const char *name, int stop_signal);
/* An init that passes its signal on and waits for its child, which takes it; the
 * child's number. */
unsigned scene_hang_behind_init(struct judge_scene *scene, const char *child);
/* PID 1 dies of a signal. */
void scene_die_of(struct judge_scene *scene, int signal_number);

/* Judges, and demands this verdict and this deepest cause (NULL: any). */
void scene_expect(
	struct judge_scene *scene, enum verdict verdict, const char *diagnosis);
bool scene_has_diagnosis(const struct judge_scene *scene, const char *id);
/* Its sentence; the test fails without it. */
const char *scene_text(const struct judge_scene *scene, const char *id);
#define assert_says(scene, id, text) assert_says_at(scene, id, text, __FILE__, __LINE__)
void assert_says_at(const struct judge_scene *scene, const char *id, const char *text,
	const char *file, int line);

#endif

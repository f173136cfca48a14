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

#define T0 (1000 * CLOCK_S) /* the stop signal */

/* Before a test plays anything: no session, exit code 0, 300 ms after the signal, of a
 * grace of 2 s. Clean is expected. */
struct judge_scene {
	struct scenario scenario;
	struct evidence evidence;
	struct judgement judgement;
	struct proc pid1[2];
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

/* Judges, and demands this verdict and this deepest cause (NULL: any). */
void scene_expect(
	struct judge_scene *scene, enum verdict verdict, const char *diagnosis);
bool scene_has_diagnosis(const struct judge_scene *scene, const char *id);

#endif

/*
 * agent_session_scene - a loop with a fake API, its client, and one session whose
 * callbacks are logged.
 *
 * Each callback stops the loop, so that the test can check its effect. Include after
 * cmocka.h.
 */
#ifndef SERVICE_TEST_AGENT_SESSION_SCENE_H
#define SERVICE_TEST_AGENT_SESSION_SCENE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "service/agent/agent_session.h"
#include "service/test/fake_api.h"

struct agent_scene {
	uv_loop_t loop;
	uv_timer_t patience;
	struct fake_api api;
	struct agent_client *agent;
	struct agent_session *session;
	struct buf log; /* one "NAME WHAT;" for each callback */
	unsigned opened, turned, wanted, broke, released; /* calls of each callback */
	unsigned barriers;                                /* responses */
	char *id;              /* of the session, from `opened` */
	char *use_id;          /* the last tool use */
	bool destroy_next;     /* in the next callback */
	const char *send_next; /* in the next `turned` */
};

/* Logs every callback. Their arg is the scene. */
extern const struct agent_session_events scene_events;

void scene_send(struct agent_scene *scene, const char *text);

/* Replaces the client of scene_set_up(). Fills in url, key, model, name, connections. */
void scene_create_agent(struct agent_scene *scene, struct agent_client_options options);

int scene_set_up(void **state);

int scene_tear_down(void **state);

/* Runs the loop until *counter is at least value. */
void scene_await(struct agent_scene *scene, const unsigned *counter, unsigned value);

/* Runs the loop until the API's journal has the request so many times. */
void scene_await_request(
	struct agent_scene *scene, const char *request, unsigned times);

/* Runs the loop until every request and event that was sent before has been handled. */
void scene_barrier(struct agent_scene *scene);

/* Opens the scene's session; resumes id unless it is NULL. */
void scene_begin_open(struct agent_scene *scene, const char *id);

/* Opens a new one and waits until the API got the request for its stream. */
struct fake_session *scene_open(struct agent_scene *scene);

/* within_ns 0: no deadline. */
void scene_release(
	struct agent_scene *scene, enum agent_session_end ending, int64_t within_ns);

/* The next `times` requests that contain `at` fail. Details: scene->api.fault_*. */
void scene_inject(struct agent_scene *scene, const char *at, enum api_fault fault,
	unsigned times);

#define assert_log(scene, text) assert_string_equal(buf_text(&(scene)->log), text)

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

#endif

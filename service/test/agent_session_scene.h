/*
 * agent_session_scene - a loop with a fake API and its client, and one talk whose callbacks
 * are written down.
 *
 * Each callback stops the loop, so that the test can look at what it changed.
 * To be included behind cmocka.h.
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

struct scene {
	uv_loop_t loop;
	uv_timer_t patience;
	struct api api;
	struct agent_client *agent;
	struct agent_session *session;
	struct buf story; /* what the callbacks said, in their order */
	unsigned opened;  /* each counts its callback */
	unsigned turned, wanted, broke, parted;
	char *id;             /* of the session, as `opened` told it */
	char *use_id;         /* the last tool use */
	bool destroy_next;    /* in the next callback */
	const char *say_next; /* in the next `turned` */
};

/* They write down what they hear; their arg is the scene. */
extern const struct agent_session_events scene_events;

void scene_say(struct scene *scene, const char *text);

/* In the place of set_up's; url, key, model, name and connections are filled in. */
void scene_create_agent(struct scene *scene, struct agent_client_options options);

int scene_set_up(void **state);

int scene_tear_down(void **state);

/* Runs the loop until a counter of the scene's has this value. */
void scene_await(struct scene *scene, const unsigned *counter, unsigned value);

/* Runs the loop until the API has been asked this. */
void scene_await_request(struct scene *scene, const char *request, unsigned times);

/* Lets the loop turn for a while in which nothing is to happen. */
void scene_let_pass(struct scene *scene, uint64_t ms);

/* Opens the scene's talk, resuming id unless it is NULL. */
void scene_begin_open(struct scene *scene, const char *id);

/* The same, until it is open and the API has been asked for its stream. */
struct fake_session *scene_open(struct scene *scene);

/* within_ns 0: without a deadline. */
void scene_let_go(
	struct scene *scene, enum agent_session_end ending, int64_t within_ns);

/* The API fails the next requests so; the details are in scene->api. */
void scene_strike(
	struct scene *scene, const char *at, enum api_fault fault, unsigned times);

#define assert_story(scene, text) assert_string_equal(buf_text(&(scene)->story), text)

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

#endif

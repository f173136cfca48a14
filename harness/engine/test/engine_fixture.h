/*
 * engine_fixture - an engine with a puppet on it, in a world of its own.
 *
 * Its folder holds the programs an engine expects, all of them puppets. Everything
 * waits for its event, and fails the test when it does not come in time.
 */
#ifndef HARNESS_ENGINE_TEST_ENGINE_FIXTURE_H
#define HARNESS_ENGINE_TEST_ENGINE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "lib/buf.h"
#include "lib/clock.h"

#define STAGE_PATIENCE_NS (60 * CLOCK_S)

struct fixture {
	uv_loop_t loop;
	char *run_id;
	char *folder; /* a run's, locked as long as we live: others leave it alone */
	int lock;
	char *programs; /* folder/bin */
	bool interrupted;
	struct engine *engine;
	struct subject *subject;
	struct buf log; /* each line with an LF */
	unsigned lines;
};

/* What differs from a puppet with SIGTERM, 10 s of grace and no init. */
struct engine_fixture_unit {
	bool init;
	int64_t grace_ns; /* 0: 10 s */
	const char *name; /* NULL: "service" */
	const char *network;
	const char *const *env;
	const char *image;
};

/* NULL with err when the engine cannot be had. */
struct fixture *engine_fixture_open(const char *engine, struct err *err);
void engine_fixture_close(struct fixture *fixture); /* accepts NULL */

/* Starts "puppet ARGUMENT..." (the list ends in NULL) as stage->subject. */
void engine_fixture_up(struct fixture *fixture, const struct engine_fixture_unit *spec,
	...) __attribute__((sentinel));
/* The same, and what it said when it could not be started. */
struct subject *engine_fixture_try(struct fixture *fixture,
	const struct engine_fixture_unit *spec, const char *const *argv,
	struct err *err);

void engine_fixture_await_line(struct fixture *fixture, const char *line);
bool engine_fixture_has_line(const struct fixture *fixture, const char *line);
void engine_fixture_await_end(struct fixture *fixture);

/* Stops it, waits until it is stopped, and asks the engine. Borrowed. */
const struct stop_facts *engine_fixture_stop(struct fixture *fixture);
/* The same, when it has been asked to stop. */
const struct stop_facts *engine_fixture_settle(struct fixture *fixture);

#endif

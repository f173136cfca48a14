/*
 * stage - an engine with a puppet on it, in a world of its own.
 *
 * Its folder holds the programs an engine expects, all of them puppets. Everything
 * waits for its event, and fails the test when it does not come in time.
 */
#ifndef HARNESS_ENGINE_TEST_STAGE_H
#define HARNESS_ENGINE_TEST_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "lib/buf.h"
#include "lib/clock.h"

#define STAGE_PATIENCE_NS (60 * CLOCK_S)

struct stage {
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
struct stage_unit {
	bool init;
	int64_t grace_ns; /* 0: 10 s */
	const char *name; /* NULL: "service" */
	const char *network;
	const char *const *env;
	const char *image;
};

/* NULL with err when the engine cannot be had. */
struct stage *stage_open(const char *engine, struct err *err);
void stage_close(struct stage *stage); /* accepts NULL */

/* Starts "puppet ARGUMENT..." (the list ends in NULL) as stage->subject. */
void stage_up(struct stage *stage, const struct stage_unit *unit, ...)
	__attribute__((sentinel));
/* The same, and what it said when it could not be started. */
struct subject *stage_try(struct stage *stage, const struct stage_unit *unit,
	const char *const *argv, struct err *err);

void stage_await_line(struct stage *stage, const char *line);
bool stage_has_line(const struct stage *stage, const char *line);
void stage_await_end(struct stage *stage);

/* Stops it, waits until it is stopped, and asks the engine. Borrowed. */
const struct stop_facts *stage_stop(struct stage *stage);
/* The same, when it has been asked to stop. */
const struct stop_facts *stage_settle(struct stage *stage);

#endif

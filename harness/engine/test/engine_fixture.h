/*
 * engine_fixture - an engine and a puppet that it runs, in folders of their own.
 *
 * The folder holds the programs that an engine expects, all of them puppets. A wait fails
 * the test when its event does not come in time.
 */
#ifndef HARNESS_ENGINE_TEST_ENGINE_FIXTURE_H
#define HARNESS_ENGINE_TEST_ENGINE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "lib/buf.h"
#include "lib/clock.h"

#define ENGINE_FIXTURE_PATIENCE_NS (60 * CLOCK_S)

struct engine_fixture {
	uv_loop_t loop;
	char *run_id;
	char *folder; /* a run's, locked while the test runs: others leave it alone */
	char *case_folder; /* below it: the subjects' run_folder */
	int lock;
	char *programs; /* folder/bin */
	bool interrupted;
	struct engine *engine;
	struct subject *subject;
	struct buf log; /* each line with an LF */
	unsigned lines;
};

/* What differs from a puppet with the default signal, 10 s of grace and no init. */
struct engine_fixture_spec {
	bool init;
	int64_t grace_ns; /* 0: 10 s */
	const char *name; /* NULL: "service" */
	const char *network;
	const char *const *env;
	const char *image;
	const char *const *entrypoint;
	const struct container_options *container;
	const char *run_folder; /* NULL: the fixture's case_folder */
};

/* NULL with err when the engine cannot be had. */
struct engine_fixture *engine_fixture_open(const char *engine, struct err *err);
void engine_fixture_close(struct engine_fixture *fixture); /* accepts NULL */

/* Starts "puppet ARGUMENT..." (the list ends in NULL) as fixture->subject. */
void engine_fixture_up(struct engine_fixture *fixture,
	const struct engine_fixture_spec *spec, ...) __attribute__((sentinel));
/* The same, with err when it cannot be started. */
struct subject *engine_fixture_try(struct engine_fixture *fixture,
	const struct engine_fixture_spec *spec, const char *const *argv,
	struct err *err);

void engine_fixture_await_line(struct engine_fixture *fixture, const char *line);
bool engine_fixture_has_line(const struct engine_fixture *fixture, const char *line);
void engine_fixture_await_end(struct engine_fixture *fixture);

/* Stops the subject, waits until it is stopped, and inspects it. Borrowed. */
const struct stop_facts *engine_fixture_stop(struct engine_fixture *fixture);
/* The same without the stop, which has begun already. */
const struct stop_facts *engine_fixture_settle(struct engine_fixture *fixture);

/* A socket like the ledger's, "case_folder/ledger": all users may connect. Gives the
 * descriptor, to be closed, and writes its path. */
int engine_fixture_listen(
	const struct engine_fixture *fixture, char *path, size_t size);

#endif

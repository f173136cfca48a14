/*
 * mock_program - one mock of a case that listens: beside the harness, or in a container.
 *
 * On the host it is spawned; on a network of the case it runs in a container of its own,
 * where the port is given. It writes its events into the ledger, and its port into the
 * one that says that it listens.
 */
#ifndef HARNESS_RUN_MOCK_PROGRAM_H
#define HARNESS_RUN_MOCK_PROGRAM_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "lib/err.h"

struct mock_program;

/* What the mocks of one case have in common. All kept. */
struct mock_options {
	uv_loop_t *loop;
	struct engine *engine;
	const char *programs;
	const char *folder;  /* of the case */
	const char *network; /* NULL: beside the harness, on loopback */
	const char *host;    /* beside the harness: where it listens; NULL: loopback */
	const char *ledger;
	uint64_t seed;
	const bool *interrupted;
	const struct evidence *evidence; /* where its events arrive */
};

struct mock_program_spec {
	const char *program;   /* "mock-agent" */
	const char *host;      /* its name on a network of the case */
	int port_inside;       /* there */
	const char *behavior;  /* JSON */
	const char *listening; /* the event that has the port */
	/* On the host it gets a listening socket as its stdin (--inetd): its clients can
	 * connect while it starts. */
	bool inetd;
};

/* Gives a mock that clients can connect to. Copies options; borrows spec. Turns the
 * loop, but for a mock with inetd on the host. */
struct mock_program *mock_program_up(const struct mock_options *options,
	const struct mock_program_spec *spec, struct err *err) MUST_CHECK;

/* Waits until it listens. Turns the loop. */
bool mock_program_await(struct mock_program *mock, struct err *err) MUST_CHECK;

/* "http://127.0.0.1:41234", as the service reaches it, and as we do. Borrowed. */
const char *mock_program_url(const struct mock_program *mock);
const char *mock_program_control_url(const struct mock_program *mock);

bool mock_program_running(const struct mock_program *mock);

/* Stops it and waits for its end: then all its events are written. Turns the loop.
 * Accepts NULL. */
void mock_program_down(struct mock_program *mock);

#endif

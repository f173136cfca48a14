/*
 * world - the real service, with the real mock-agent beside it and real mock-mcp below,
 * and a ledger like the harness's.
 *
 * Everything happens in the calls that wait; each waits for its event, and fails the
 * test when it does not come within WORLD_PATIENCE_S.
 */
#ifndef SERVICE_TEST_WORLD_H
#define SERVICE_TEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "lib/fetch.h"
#include "test/support/until.h"

#define WORLD_PATIENCE_S UNTIL_PATIENCE_S

struct shot; /* see shot.h */
struct world;

struct world *world_create(void);
/* Kills the programs that still run. */
void world_destroy(struct world *world);

/* A variable of the service's environment, "NAME=value", before its start. */
void world_set(struct world *world, const char *format, ...) PRINTF(2, 3);
/* Adds an MCP server of that name with this behavior (NULL: none) to MCP_CONFIG. */
void world_add_server(struct world *world, const char *name, const char *behavior);
/* The same with another program; arg and other may be NULL. */
void world_add_program(struct world *world, const char *name, const char *command,
	const char *arg, const char *other);
/* A file that stays between starts, for STORE. */
const char *world_store(struct world *world);

/* Starts a mock-agent with this behavior (NULL: none). */
void world_start_agent(struct world *world, const char *behavior);
void world_signal_agent(struct world *world, int number);
/* AGENT_URL without a mock-agent of ours. */
void world_set_agent(struct world *world, const char *url);

/* Starts the service and waits for "service.listening". */
void world_start(struct world *world);
/* Runs one more, with this flag and its value, to its end: the exit code. */
int world_run_service(struct world *world, const char *flag, const char *value);
pid_t world_pid(const struct world *world);
void world_signal(struct world *world, int number);
/* Its exit code when it has ended; 128 + n when signal n did it. It may be started
 * again. */
int world_exit(struct world *world);

/* For shot.h. */
const char *world_url(const struct world *world);
const char *world_agent_url(const struct world *world);
struct fetch *world_fetch(struct world *world);
struct shot **world_shots(struct world *world);
void world_wait(struct world *world, const bool *is_so, const char *what);
/* Fails the test, and prints all events. */
void world_fail(struct world *world, const char *format, ...) PRINTF(2, 3);

/* Waits for the nth event (from 1) of that name, from any program. */
const cJSON *world_event(struct world *world, const char *name, unsigned nth);
int64_t world_event_ns(struct world *world, const char *name, unsigned nth);
/* How many came so far. After world_exit() that is all of the service's; the agent's last
 * ones may still be on their way. */
unsigned world_count(struct world *world, const char *name);
/* The same, where key has this text or number. */
unsigned world_count_with(
	struct world *world, const char *name, const char *key, const char *value);
/* The agent has ended this number of sessions, and no more. Waits for its word. */
void world_expect_disconnected(struct world *world, unsigned count);
/* No event has this text anywhere. */
void world_expect_silence_about(struct world *world, const char *text);
/* Drops all events that came so far. */
void world_forget_events(struct world *world);
/* Turns the loop for that long. For what must not happen. */
void world_idle(struct world *world, int ms);

#endif

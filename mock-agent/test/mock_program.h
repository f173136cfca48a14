/*
 * mock_program - a mock-agent of the test's own, and the requests that a client of its API
 * makes.
 *
 * The test is the mock's ledger, so that it can wait for events. Everything unexpected
 * fails the test. Texts that a call gives are the caller's to free().
 */
#ifndef MOCK_AGENT_TEST_MOCK_PROGRAM_H
#define MOCK_AGENT_TEST_MOCK_PROGRAM_H

#include <stdint.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/http_client.h"
#include "test/support/ledger_reader.h"
#include "test/support/program.h"

#define CREDENTIAL "authorization: Bearer test\r\n"
#define VERSION    "anthropic-version: 2026-10-21\r\n"
#define BETA       "anthropic-beta: managed-agents-2026-04-01\r\n"

struct mock_program {
	struct program program;
	struct ledger_reader *ledger;
	char *folder;
	uint16_t port, control_port;
	char *agent_id, *environment_id; /* made on first need */
};

/* With a control port. */
void mock_start(struct mock_program *mock, const char *behavior);
/* `more` is one further argument. */
void mock_start_with(struct mock_program *mock, const char *behavior, const char *more);
/* Waits until it has ended by itself; its wait status. */
int mock_wait(struct mock_program *mock);
/* Ends it unless it has ended, and checks that it ends well. */
void mock_stop(struct mock_program *mock);

/* The line of the next event that contains text. Borrowed. */
const char *mock_wait_event(struct mock_program *mock, const char *text);
/* How many lines of those read so far contain text. */
unsigned mock_count_events(const struct mock_program *mock, const char *text);
/* Reads what is in the ledger: unread, it would block the mock before long. */
void mock_drain_ledger(struct mock_program *mock);
int64_t event_int(const char *line, const char *member);

/* Sends a request on an open connection, with the headers that the API demands. */
void mock_send(struct http_client *client, const char *method, const char *path,
	const char *body);
/* One request over a connection of its own: its answer, its status, a text of its body. */
struct http_answer mock_call(struct mock_program *mock, const char *method,
	const char *path, const char *body);
int mock_call_status(struct mock_program *mock, const char *method, const char *path,
	const char *body);
char *mock_call_text(struct mock_program *mock, const char *method, const char *path,
	const char *body, const char *member);
/* The same at the control port: its status. */
int mock_control(struct mock_program *mock, const char *method, const char *path,
	const char *body);

/* Gives the session's id. Room 0: without a room. */
char *mock_open_session(struct mock_program *mock, int room);
char *session_path(const char *session, const char *rest);
void mock_open_stream(
	struct mock_program *mock, struct http_client *client, const char *session);
char *mock_session_status(struct mock_program *mock, const char *session);

/* Requests about a session: their status. */
int mock_session_call(struct mock_program *mock, const char *method,
	const char *session, const char *rest, const char *body);
int mock_say(struct mock_program *mock, const char *session, const char *text);
int mock_interrupt(struct mock_program *mock, const char *session);
int mock_answer_tool(struct mock_program *mock, const char *session, const char *use_id,
	const char *text);

#endif

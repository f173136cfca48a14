/*
 * cli_turn - the turns of the stand-in CLI's one conversation.
 *
 * Each round is a POST to ANTHROPIC_BASE_URL/v1/messages with the whole conversation, as
 * the real CLI makes it; a tool that the answer asks for is called, and its result is
 * part of the next round. Without that variable the stand-in answers by itself. It does
 * not send a request again.
 */
#ifndef MOCK_AGENT_CLI_CLI_TURN_H
#define MOCK_AGENT_CLI_CLI_TURN_H

#include <stdbool.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

struct cli_servers;
struct cli_turn;

/* How a turn ended. */
enum cli_turn_end {
	CLI_TURN_ANSWERED,
	CLI_TURN_FAILED,
	CLI_TURN_INTERRUPTED,
};

extern const char *const cli_turn_end_names[CLI_TURN_INTERRUPTED + 1];

struct cli_turn_events {
	/* A line for the client: "assistant" or "user". Borrowed. */
	void (*say)(void *arg, cJSON *message);
	/* A tool is about to be called. */
	void (*calls)(void *arg, const char *tool);
	/* text: the reply, or why there is none. `rounds`: requests that were made. */
	void (*ended)(
		void *arg, enum cli_turn_end end, const char *text, unsigned rounds);
};

/* All kept. */
struct cli_turn_options {
	uv_loop_t *loop;
	const char *model;
	const char *session_id;
	const cJSON *tools; /* of the requests, an array */
	struct cli_servers *servers;
	const struct cli_turn_events *events;
	void *arg;
};

struct cli_turn *cli_turn_create(
	const struct cli_turn_options *options, struct err *err) MUST_CHECK;

bool cli_turn_is_running(const struct cli_turn *turn);

/* Begins a turn. content: a string or content blocks, borrowed. No turn may run. */
void cli_turn_begin(struct cli_turn *turn, const cJSON *content);

/* The result of a call, from cli_servers' event. */
void cli_turn_tool_result(struct cli_turn *turn, const cJSON *content, bool is_error);

/* Ends the running turn as interrupted; `ended` comes from inside the call. */
void cli_turn_interrupt(struct cli_turn *turn);

/* `ended` does not come. The loop must turn for its handles. Accepts NULL. */
void cli_turn_destroy(struct cli_turn *turn);

#endif

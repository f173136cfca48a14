/*
 * client_turn - the turns of a client's session, as its requests show them.
 *
 * A turn is from the user's message to the answer that asks for no tool. A request that
 * brings tool results goes on with its turn. Several turns of one session may be under
 * way, as those of agents below an agent are.
 */
#ifndef MOCK_AGENT_SESSION_CLIENT_TURN_H
#define MOCK_AGENT_SESSION_CLIENT_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct client_session;
struct client_turn;

/* Turns that wait for a tool's result; the oldest one is given up beyond it. */
#define CLIENT_TURNS_ASKING_MAX 64

struct client_turns {
	struct client_turn *list;
};

/* What a request says of its turn. Hashes of texts tell conversations apart. */
struct client_turn_key {
	uint64_t thread;  /* the first prompt: the conversation */
	uint64_t prompts; /* all prompts: the turn */
	bool has_results; /* tool results are the last that it brings */
};

/* The next prompt of a conversation; of a zeroed key the first. */
void client_turn_key_ask(struct client_turn_key *key, const char *prompt);

enum client_end {
	CLIENT_ANSWERED,    /* wholly */
	CLIENT_INTERRUPTED, /* the client left first */
	CLIENT_FAILED,      /* a fault, or an answer that could not be sent */
};

/* A request under way, to be embedded in its owner; zeroed: none. */
struct client_request {
	struct client_session *session; /* held */
	struct client_turn *turn;
};

/* The request begins a turn, or goes on with one. Takes the caller's hold of session,
 * which may be NULL: then nothing is written. */
void client_request_begin(struct client_request *request,
	struct client_session *session, const struct client_turn_key *key);

/* `tool`: what the answer asks for; NULL: nothing, or the turn is over all the same.
 * Accepts a zeroed one. */
void client_request_end(
	struct client_request *request, enum client_end end, const char *tool);

/* Frees all, without an event. No request is under way. */
void client_turns_done(struct client_turns *turns);
bool client_turns_running(const struct client_turns *turns);

#endif

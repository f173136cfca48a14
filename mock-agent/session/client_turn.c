#include "mock-agent/session/client_turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "lib/hash.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/session/client_session.h"

struct client_turn {
	uint64_t thread, prompts;
	char id[20];
	unsigned requests;   /* under way */
	bool asking;         /* an answer asked for a tool, whose result has not come */
	enum client_end end; /* the worst of its requests */
	struct client_turn *prev, *next;
};

void client_turn_key_ask(struct client_turn_key *key, const char *prompt)
{
	key->prompts = hash_text(key->prompts ? key->prompts : HASH_BASIS, prompt);
	if (!key->thread)
		key->thread = key->prompts;
	key->has_results = false;
}

/* With one more member; NULL: none. */
static void write_event(const struct client_session *session,
	const struct client_turn *turn, const char *event, const char *member,
	const char *text)
{
	if (!session->forgotten)
		log_event(event, CLIENT_SESSION_LOG(session), "turn",
			LOG_TEXT(turn->id), member, LOG_TEXT(text));
}

static void end_turn(struct client_session *session, struct client_turn *turn)
{
	static const char *const why[] = {
		[CLIENT_ANSWERED] = "end_turn",
		[CLIENT_INTERRUPTED] = "interrupted",
		[CLIENT_FAILED] = "failed",
	};

	write_event(session, turn, "agent.turn.end", "why", why[turn->end]);
	DL_DELETE(session->turns.list, turn);
	free(turn);
}

/* The client sent something else in place of the result. */
static void give_up(struct client_session *session, struct client_turn *turn)
{
	turn->end = CLIENT_INTERRUPTED;
	end_turn(session, turn);
}

/* A client may put other texts among its prompts (reminders, a summary): then the
 * result belongs to its conversation's turn that waits, or to the last one that does. */
static struct client_turn *asking_turn(
	const struct client_turns *turns, const struct client_turn_key *key)
{
	struct client_turn *turn, *found = NULL;

	DL_FOREACH(turns->list, turn) {
		if (turn->asking && turn->thread == key->thread)
			return turn;
		if (turn->asking)
			found = turn;
	}
	return found;
}

static struct client_turn *find_turn(
	const struct client_turns *turns, const struct client_turn_key *key)
{
	struct client_turn *turn;

	DL_FOREACH(turns->list, turn) {
		if (turn->prompts == key->prompts &&
			(turn->requests > 0 || key->has_results))
			return turn;
	}
	return key->has_results ? asking_turn(turns, key) : NULL;
}

/* A conversation has one turn at a time. */
static void give_up_thread(struct client_session *session, uint64_t thread)
{
	struct client_turn *turn, *next;
	unsigned asking = 0;

	DL_FOREACH_SAFE(session->turns.list, turn, next) {
		bool waits = turn->asking && turn->requests == 0;

		if (waits && turn->thread == thread)
			give_up(session, turn);
		else
			asking += waits;
	}
	DL_FOREACH_SAFE(session->turns.list, turn, next) {
		if (asking < CLIENT_TURNS_ASKING_MAX)
			return;
		if (turn->asking && turn->requests == 0) {
			give_up(session, turn);
			asking--;
		}
	}
}

static struct client_turn *begin_turn(
	struct client_session *session, const struct client_turn_key *key)
{
	struct client_turn *turn = mem_zeroed(sizeof *turn);

	give_up_thread(session, key->thread);
	turn->thread = key->thread;
	turn->prompts = key->prompts;
	snprintf(turn->id, sizeof turn->id, "%016" PRIx64, key->prompts);
	DL_APPEND(session->turns.list, turn);
	write_event(session, turn, "agent.turn.begin", NULL, NULL);
	return turn;
}

void client_request_begin(struct client_request *request,
	struct client_session *session, const struct client_turn_key *key)
{
	struct client_turn *turn;

	if (!session)
		return;
	turn = find_turn(&session->turns, key);
	if (!turn)
		turn = begin_turn(session, key);
	else if (turn->asking && key->has_results)
		write_event(session, turn, "agent.tool.answered", NULL, NULL);
	if (key->has_results)
		turn->asking = false;
	turn->requests++;
	request->session = session;
	request->turn = turn;
}

void client_request_end(
	struct client_request *request, enum client_end end, const char *tool)
{
	struct client_session *session = request->session;
	struct client_turn *turn = request->turn;

	if (!session)
		return;
	turn->requests--;
	if (end > turn->end)
		turn->end = end;
	if (end == CLIENT_ANSWERED && tool) {
		turn->asking = true;
		write_event(session, turn, "agent.tool.asked", "tool", tool);
	}
	if (turn->requests == 0 && (!turn->asking || turn->end != CLIENT_ANSWERED))
		end_turn(session, turn);
	client_session_release(session);
	*request = (struct client_request){0};
}

void client_turns_done(struct client_turns *turns)
{
	struct client_turn *turn, *next;

	DL_FOREACH_SAFE(turns->list, turn, next) {
		DL_DELETE(turns->list, turn);
		free(turn);
	}
}

bool client_turns_running(const struct client_turns *turns)
{
	return turns->list != NULL;
}

#include "harness/judge/inflight.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* The turn that a session of the agent API had when the stop came. */
struct inflight_turn {
	const char *session; /* the API's id of the session; borrowed */
	const char *room;    /* borrowed; may be NULL */
	int64_t begun_ns;    /* 0: it had none */
	bool begun_late;     /* after the stop signal */
	int64_t ended_ns;    /* 0: it did not end */
	bool ended_by_itself;
	UT_hash_handle hh;
};

static struct inflight_turn *turn_of(
	struct inflight_turn **turns, const struct event *event)
{
	const char *room = json_text(event->json, "session");
	const char *session = json_text(event->json, "id");
	struct inflight_turn *turn = NULL;

	session = session ? session : room;
	if (!session)
		return NULL;
	HASH_FIND_STR(*turns, session, turn);
	if (!turn) {
		turn = mem_zeroed(sizeof *turn);
		turn->session = session;
		turn->room = room;
		HASH_ADD_KEYPTR(hh, *turns, session, strlen(session), turn);
	}
	return turn;
}

static void read_event(
	struct inflight_turn **turns, const struct event *event, int64_t stop_ns)
{
	bool begins = strcmp(event->name, "agent.turn.begin") == 0;
	bool ends = strcmp(event->name, "agent.turn.end") == 0;
	struct inflight_turn *turn = begins || ends ? turn_of(turns, event) : NULL;

	if (!turn)
		return;
	if (event->ns <= stop_ns) {
		turn->begun_ns = begins ? event->ns : 0;
	} else if (begins && !turn->begun_ns) {
		turn->begun_ns = event->ns;
		turn->begun_late = true;
	} else if (ends && turn->begun_ns && !turn->ended_ns) {
		const char *why = json_text(event->json, "why");

		turn->ended_ns = event->ns;
		turn->ended_by_itself = why && strcmp(why, "end_turn") == 0;
	}
}

/* The request that asked for the turn: of those of its room the first that was not
 * answered when the turn began. NULL: the load's rooms are not the service's. */
static const struct load_request *request_of(
	const struct evidence *evidence, const struct inflight_turn *turn)
{
	unsigned long session = turn->room ? strtoul(turn->room, NULL, 10) : 0;

	for (unsigned i = 0; session && i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->session == session && request->sent_ns <= turn->begun_ns &&
			(!request->ended_ns || request->ended_ns >= turn->begun_ns))
			return request;
	}
	return NULL;
}

/* The webhook of a turn that began after the signal was answered: it was accepted, and
 * nobody will send it again. */
static bool was_acknowledged(
	const struct evidence *evidence, const struct inflight_turn *turn)
{
	unsigned long session = turn->room ? strtoul(turn->room, NULL, 10) : 0;

	for (unsigned i = 0; session && i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->kind == REQUEST_TURN && request->session == session &&
			request->end == REQUEST_ANSWERED)
			return true;
	}
	return false;
}

/* The service waited until SIGKILL only for a turn whose request had no answer. */
static void count(struct inflight *turns, const struct evidence *evidence,
	const struct inflight_turn *turn)
{
	const struct load_request *request = request_of(evidence, turn);
	int64_t kill_ns = evidence->facts.kill_ns;

	if (!turn->begun_ns || turn->ended_by_itself ||
		(turn->begun_late && !was_acknowledged(evidence, turn)))
		return;
	if (kill_ns && (!turn->ended_ns || turn->ended_ns >= kill_ns) &&
		(!request || request->end == REQUEST_BROKEN ||
			request->end == REQUEST_PENDING))
		turns->killed++;
	else
		turns->interrupted++;
}

void inflight_find(struct inflight *turns, const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	int64_t stop_ns = facts->signal_ns ? facts->signal_ns : facts->asked_ns;
	struct inflight_turn *all = NULL, *turn, *next;

	*turns = (struct inflight){0};
	for (unsigned i = 0; i < evidence->event_count; i++) {
		if (evidence_is_agents(evidence, &evidence->events[i]))
			read_event(&all, &evidence->events[i], stop_ns);
	}
	HASH_ITER(hh, all, turn, next) {
		count(turns, evidence, turn);
		HASH_DEL(all, turn);
		free(turn);
	}
}

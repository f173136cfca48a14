#include "harness/judge/inflight.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

/* The turn that a session had when the stop came. */
struct inflight_turn {
	int64_t begun_ns; /* 0: it had none, or its request is found */
	int64_t ended_ns; /* 0: it did not end */
};

/* By session, from 1: the load's number of a session is its label too. */
struct flight {
	const struct evidence *evidence;
	struct inflight_turn *turns;
	unsigned sessions;
};

static struct inflight_turn *turn_of(
	const struct flight *flight, const struct event *event)
{
	const char *label = json_text(event->json, "session");
	unsigned long session = label ? strtoul(label, NULL, 10) : 0;

	return session > 0 && session <= flight->sessions ? &flight->turns[session]
							  : NULL;
}

static void hear(const struct flight *flight, const struct event *event)
{
	const struct stop_facts *facts = &flight->evidence->facts;
	int64_t stop_ns = facts->signal_ns ? facts->signal_ns : facts->asked_ns;
	bool begins = strcmp(event->name, "agent.turn.begin") == 0;
	bool ends = strcmp(event->name, "agent.turn.end") == 0;
	struct inflight_turn *turn = begins || ends ? turn_of(flight, event) : NULL;

	if (!turn)
		return;
	if (event->ns <= stop_ns)
		turn->begun_ns = begins ? event->ns : 0;
	else if (ends && turn->begun_ns && !turn->ended_ns)
		turn->ended_ns = event->ns;
}

/* Of a session's requests the first that is unanswered has the turn; the others wait for
 * theirs. */
static bool is_for(const struct load_request *request, const struct inflight_turn *turn)
{
	return turn->begun_ns && request->sent_ns <= turn->begun_ns &&
		(!request->ended_ns || request->ended_ns >= turn->begun_ns);
}

/* One that was answered, with whatever, was no longer waited for. */
static bool was_killed(const struct load_request *request,
	const struct inflight_turn *turn, const struct stop_facts *facts)
{
	bool lost = request->end == REQUEST_BROKEN || request->end == REQUEST_PENDING;

	return lost && facts->kill_ns &&
		(!turn->ended_ns || turn->ended_ns >= facts->kill_ns);
}

void inflight_find(struct inflight *turns, const struct evidence *evidence)
{
	struct flight flight = {.evidence = evidence};

	*turns = (struct inflight){0};
	for (unsigned i = 0; i < evidence->request_count; i++) {
		if (evidence->requests[i].session > flight.sessions)
			flight.sessions = evidence->requests[i].session;
	}
	flight.turns = mem_zeroed(sizeof *flight.turns * (flight.sessions + 1));
	for (unsigned i = 0; i < evidence->event_count; i++) {
		if (evidence->events[i].source == EVENT_LEDGER)
			hear(&flight, &evidence->events[i]);
	}
	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];
		struct inflight_turn *turn = &flight.turns[request->session];

		if (!is_for(request, turn))
			continue;
		turns->interrupted += request->end == REQUEST_TURNED_AWAY;
		turns->killed += was_killed(request, turn, &evidence->facts);
		turn->begun_ns = 0;
	}
	free(flight.turns);
}

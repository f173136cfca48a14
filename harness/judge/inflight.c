#include "harness/judge/inflight.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* The turn that a session of the agent API had when the stop came. */
struct inflight_turn {
	char *key;        /* owned: the API's id of the session, and of its turn */
	const char *room; /* borrowed; NULL: not said by the client */
	int64_t begun_ns; /* 0: it had none */
	bool begun_late;  /* after the stop signal */
	int64_t ended_ns; /* 0: it did not end */
	bool ended_by_itself;
	bool may_retry;   /* a fault or its client broke it off; it may ask once more */
	const char *turn; /* borrowed; NULL: not of a client's session */
	struct inflight_turn *retried; /* this is a retry of that one, on a connection
					* that is another session */
	UT_hash_handle hh;
};

/* A client's session may have several turns at a time. */
static char *key_of(const struct event *event)
{
	const char *session = event_text(event, "id");
	const char *turn = event_text(event, "turn");

	if (!session)
		session = event_text(event, "session");
	return session ? mem_textf("%s %s", session, turn ? turn : "") : NULL;
}

static const char *room_of(
	const struct event *event, const struct session_records *sessions)
{
	const char *id = event_text(event, "id");
	const struct session_record *record =
		id ? session_records_find_id(sessions, id) : NULL;

	return record && !record->in_room ? NULL : event_text(event, "session");
}

static struct inflight_turn *turn_of(struct inflight_turn **turns,
	const struct event *event, const struct session_records *sessions)
{
	char *key = key_of(event);
	struct inflight_turn *turn = NULL;

	if (!key)
		return NULL;
	HASH_FIND_STR(*turns, key, turn);
	if (turn) {
		free(key);
		return turn;
	}
	turn = mem_zeroed(sizeof *turn);
	turn->key = key;
	turn->room = room_of(event, sessions);
	turn->turn = event_text(event, "turn");
	HASH_ADD_KEYPTR(hh, *turns, key, strlen(key), turn);
	return turn;
}

/* The retry of a client's request is the same turn. */
static void go_on(struct inflight_turn *turn)
{
	turn->ended_ns = 0;
	turn->may_retry = false;
}

/* A client without a name that was cut off returns on another connection. */
static struct inflight_turn *retried_by(
	struct inflight_turn *turns, const struct inflight_turn *retry)
{
	for (; turns; turns = turns->hh.next) {
		if (turns->may_retry && turns->ended_ns && !turns->room &&
			!retry->room && strcmp(turns->turn, retry->turn) == 0)
			return turns;
	}
	return NULL;
}

static void read_end(struct inflight_turn *turn, const struct event *event)
{
	const char *why = event_text(event, "why");

	turn->ended_ns = event->ns;
	turn->ended_by_itself = why && strcmp(why, "end_turn") == 0;
	turn->may_retry = !turn->ended_by_itself && event_text(event, "turn");
}

static void read_event(struct inflight_turn *turns, struct inflight_turn *turn,
	const struct event *event, int64_t stop_ns)
{
	bool begins = strcmp(event->name, "agent.turn.begin") == 0;

	if (begins && event->ns > stop_ns && !turn->begun_ns && turn->turn &&
		!turn->retried)
		turn->retried = retried_by(turns, turn);
	if (turn->retried)
		turn = turn->retried;
	if (event->ns <= stop_ns) {
		turn->begun_ns = begins ? event->ns : 0;
	} else if (begins && turn->may_retry) {
		go_on(turn);
	} else if (begins && !turn->begun_ns) {
		turn->begun_ns = event->ns;
		turn->begun_late = true;
	} else if (!begins && turn->begun_ns && !turn->ended_ns) {
		read_end(turn, event);
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
 * nobody will send it again. Where it is not known which one it is, all of them count. */
static bool was_acknowledged(
	const struct evidence *evidence, const struct inflight_turn *turn)
{
	unsigned long session = turn->room ? strtoul(turn->room, NULL, 10) : 0;
	unsigned answered = 0, others = 0;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->kind != REQUEST_TURN ||
			(session && request->session != session))
			continue;
		if (request->end == REQUEST_ANSWERED)
			answered++;
		else
			others++;
	}
	return answered > 0 && (session || (!turn->room && others == 0));
}

/* Where it is not known which webhook is the turn's, all of them count. */
static bool was_answered(const struct evidence *evidence,
	const struct inflight_turn *turn, const struct load_request *request)
{
	return request
		? request->kind == REQUEST_TURN && request->end == REQUEST_ANSWERED
		: !turn->room && was_acknowledged(evidence, turn);
}

/* Does the service answer a webhook with what the model said? By the one that opened this
 * session. */
static bool opened_with_reply(const struct evidence *evidence, unsigned session)
{
	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->session == session && request->kind == REQUEST_OPEN)
			return request->end == REQUEST_ANSWERED && request->has_reply;
	}
	return false;
}

static void count_early(struct inflight *turns, const struct evidence *evidence,
	const struct inflight_turn *turn, int64_t stop_ns)
{
	const struct load_request *request = request_of(evidence, turn);

	if (turn->begun_late || !request || request->has_reply ||
		!was_answered(evidence, turn, request) ||
		request->ended_ns <= stop_ns || request->ended_ns >= turn->ended_ns ||
		!opened_with_reply(evidence, request->session))
		return;
	if (turns->early++ == 0 ||
		request->ended_ns - stop_ns < turns->first_answered_ns) {
		turns->first_answered_ns = request->ended_ns - stop_ns;
		turns->first_ended_ns = turn->ended_ns - stop_ns;
	}
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
	else {
		turns->interrupted++;
		turns->answered += was_answered(evidence, turn, request);
	}
}

void inflight_find(struct inflight *turns, const struct evidence *evidence,
	const struct session_records *sessions)
{
	const struct stop_facts *facts = &evidence->facts;
	int64_t stop_ns = facts->signal_ns ? facts->signal_ns : facts->asked_ns;
	struct inflight_turn *all = NULL, *turn, *next;

	*turns = (struct inflight){0};
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (strcmp(event->name, "agent.turn.begin") != 0 &&
			strcmp(event->name, "agent.turn.end") != 0)
			continue;
		turn = evidence_is_agents(evidence, event)
			? turn_of(&all, event, sessions)
			: NULL;
		if (turn)
			read_event(all, turn, event, stop_ns);
	}
	HASH_ITER(hh, all, turn, next) {
		count(turns, evidence, turn);
		if (turn->begun_ns && turn->ended_by_itself)
			count_early(turns, evidence, turn, stop_ns);
		HASH_DEL(all, turn);
		free(turn->key);
		free(turn);
	}
}

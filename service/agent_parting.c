#include "service/agent_parting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* before the API is asked again */
#define LAST_PAUSE_NS  (250 * CLOCK_MS)
#define HEARING_NS     (2 * CLOCK_S) /* the same, while events should tell us */
#define REFUSED_NS     (5 * CLOCK_S) /* as running, until it is interrupted again */

enum parting_step {
	PARTING_HELD,
	PARTING_INTERRUPT, /* interrupting */
	PARTING_WAIT,      /* for the idle event, or to look again */
	PARTING_LOOK,      /* reading the stored status */
	PARTING_END,       /* archiving or deleting */
	PARTING_RETRY,     /* it was refused: soon again */
	PARTING_OVER,
};

struct agent_parting {
	enum parting_step step;
	struct agent_wire *wire;
	struct agent_parting_spec spec;
	char *path; /* of the session; NULL: there is none */
	enum parting_from from;
	bool hears;
	bool idle;    /* it said so */
	bool ended;   /* it is terminated */
	bool deleted; /* or even gone */
	bool interrupted;
	int64_t refused_ns; /* since when, after the last interrupt; 0: it was not */
	int64_t pause_ns;
	int64_t next_ns; /* when to go on; 0: an answer or event does that */
	char *given_up;  /* why */
	struct agent_call *call;
	uv_timer_t timer;
	bool closed;
};

static void on_timer(uv_timer_t *timer);

static void set_timer(struct agent_parting *parting)
{
	int64_t due_ns = parting->given_up ? clock_now() : parting->next_ns;

	if (parting->closed || parting->step == PARTING_OVER)
		return;
	if (parting->spec.deadline_ns &&
		(!due_ns || parting->spec.deadline_ns < due_ns))
		due_ns = parting->spec.deadline_ns;
	if (due_ns)
		uv_timer_start(&parting->timer, on_timer,
			clock_ms_up(due_ns - clock_now()), 0);
	else
		uv_timer_stop(&parting->timer);
}

/* The only writer of `step`. Whatever was under way is not any more. */
static void enter(
	struct agent_parting *parting, enum parting_step step, int64_t pause_ns)
{
	agent_call_cancel(parting->call);
	parting->call = NULL;
	parting->step = step;
	parting->next_ns = pause_ns < 0 ? 0 : clock_now() + pause_ns;
	set_timer(parting);
}

/* When time is up it does not matter any more which timer noticed it first. */
static void finish(struct agent_parting *parting, const char *why)
{
	int64_t deadline_ns = parting->spec.deadline_ns;

	if (why && !parting->given_up && deadline_ns && deadline_ns <= clock_now())
		why = "deadline";
	enter(parting, PARTING_OVER, -1);
	uv_timer_stop(&parting->timer);
	parting->spec.done(parting->spec.arg, why);
}

static int64_t grown_pause(struct agent_parting *parting)
{
	int64_t pause_ns = parting->pause_ns;

	parting->pause_ns *= 2;
	if (parting->pause_ns > LAST_PAUSE_NS)
		parting->pause_ns = LAST_PAUSE_NS;
	return pause_ns;
}

/* Takes body. */
static void ask(struct agent_parting *parting, enum parting_step step,
	const char *method, const char *rest, cJSON *body, agent_answer_fn *done)
{
	SCOPED(mem_free) char *path = mem_textf("%s%s", parting->path, rest);
	struct agent_request request = {
		.method = method,
		.path = path,
		.body = body,
		.deadline_ns = parting->spec.deadline_ns,
		.done = done,
		.arg = parting,
	};
	int64_t request_by_ns = clock_now() + parting->spec.request_ns;

	enter(parting, step, -1);
	if (step != PARTING_END &&
		(!request.deadline_ns || request_by_ns < request.deadline_ns))
		request.deadline_ns = request_by_ns;
	parting->call = agent_call_start(parting->wire, &request);
}

static void on_interrupted(void *arg, const struct agent_answer *answer);
static void on_looked(void *arg, const struct agent_answer *answer);
static void on_end_answered(void *arg, const struct agent_answer *answer);

static void interrupt(struct agent_parting *parting)
{
	parting->interrupted = true;
	parting->refused_ns = 0;
	ask(parting, PARTING_INTERRUPT, "POST", "/events", agent_wire_interrupt(),
		on_interrupted);
}

static void look(struct agent_parting *parting)
{
	ask(parting, PARTING_LOOK, "GET", "", NULL, on_looked);
}

/* Nothing is left to ask for. */
static bool is_done(const struct agent_parting *parting)
{
	return parting->deleted ||
		(parting->ended && parting->spec.ending != AGENT_DELETE);
}

/* The session does not run any more, as far as we know. */
static void end(struct agent_parting *parting)
{
	if (is_done(parting)) {
		finish(parting, NULL);
		return;
	}
	switch (parting->spec.ending) {
	case AGENT_KEEP:
		finish(parting, NULL);
		return;
	case AGENT_ARCHIVE:
		ask(parting, PARTING_END, "POST", "/archive", NULL, on_end_answered);
		return;
	case AGENT_DELETE:
		ask(parting, PARTING_END, "DELETE", "", NULL, on_end_answered);
		return;
	}
}

static void wait_for_idle(struct agent_parting *parting)
{
	enter(parting, PARTING_WAIT,
		parting->hears ? HEARING_NS : grown_pause(parting));
}

/* Something else than the API's refusal: without the session there is nothing to end,
 * and the request that does end it tells best what is wrong. */
static bool settle_failure(
	struct agent_parting *parting, const struct agent_answer *answer)
{
	if (!answer->why)
		return false;
	if (answer->status == 404)
		finish(parting, NULL);
	else if (parting->spec.ending == AGENT_KEEP)
		finish(parting, answer->why);
	else
		end(parting);
	return true;
}

static void on_interrupted(void *arg, const struct agent_answer *answer)
{
	struct agent_parting *parting = arg;

	parting->call = NULL;
	if (settle_failure(parting, answer))
		return;
	if (parting->idle || parting->ended)
		end(parting);
	else if (parting->from == PARTING_FROM_WAITING)
		look(parting); /* no event comes of a session that was idle already */
	else
		wait_for_idle(parting);
}

static bool says_running(const char *status)
{
	return status &&
		(strcmp(status, "running") == 0 || strcmp(status, "rescheduling") == 0);
}

static void on_looked(void *arg, const struct agent_answer *answer)
{
	struct agent_parting *parting = arg;
	const char *status = json_text(answer->json, "status");

	parting->call = NULL;
	if (settle_failure(parting, answer))
		return;
	if (status && strcmp(status, "terminated") == 0)
		parting->ended = true;
	if (!says_running(status))
		end(parting);
	else if (!parting->interrupted)
		interrupt(parting);
	else
		wait_for_idle(parting);
}

/* HTTP 400, 'Session x cannot be archived while its status is "running". ...' or
 * 'Cannot delete session while it is running. ...' */
static bool refused_as(const struct agent_answer *answer, const char *status)
{
	const char *said = json_text(json_get(answer->json, "error"), "message");

	return answer->status == 400 && said && strstr(said, status);
}

/* Is it the stored status that lags behind, or does a turn run that we did not stop? */
static void after_refusal(struct agent_parting *parting)
{
	bool expected = parting->interrupted || parting->idle ||
		parting->from == PARTING_FROM_IDLE;
	int64_t now_ns = clock_now();

	if (!parting->refused_ns)
		parting->refused_ns = now_ns;
	if (!expected || now_ns - parting->refused_ns > REFUSED_NS)
		interrupt(parting);
	else
		enter(parting, PARTING_RETRY, grown_pause(parting));
}

static void on_end_answered(void *arg, const struct agent_answer *answer)
{
	struct agent_parting *parting = arg;

	parting->call = NULL;
	parting->ended |= refused_as(answer, "\"terminated\"");
	if (!answer->why || answer->status == 404 || is_done(parting))
		finish(parting, NULL);
	else if (refused_as(answer, "running") || refused_as(answer, "rescheduling"))
		after_refusal(parting);
	else
		finish(parting, answer->why);
}

static void go_on(struct agent_parting *parting)
{
	switch (parting->step) {
	case PARTING_HELD:
		if (!parting->path)
			finish(parting, NULL);
		else if (parting->idle || parting->ended)
			end(parting);
		else if (parting->from == PARTING_FROM_RUNNING ||
			(parting->from == PARTING_FROM_WAITING &&
				parting->spec.ending == AGENT_KEEP))
			interrupt(parting);
		else if (parting->from == PARTING_FROM_UNKNOWN &&
			parting->spec.ending == AGENT_KEEP)
			look(parting);
		else
			end(parting);
		return;
	case PARTING_WAIT:
		look(parting);
		return;
	case PARTING_RETRY:
		end(parting);
		return;
	case PARTING_INTERRUPT:
	case PARTING_LOOK:
	case PARTING_END:
	case PARTING_OVER:
		return; /* their answers go on */
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_parting *parting = timer->data;
	int64_t now_ns = clock_now();
	int64_t deadline_ns = parting->spec.deadline_ns;

	if (parting->given_up) {
		finish(parting, parting->given_up);
	} else if (deadline_ns && deadline_ns <= now_ns) {
		finish(parting, "deadline");
	} else if (parting->next_ns && parting->next_ns <= now_ns) {
		parting->next_ns = 0;
		go_on(parting);
	} else {
		set_timer(parting);
	}
}

struct agent_parting *agent_parting_create(
	struct agent_wire *wire, const struct agent_parting_spec *spec)
{
	struct agent_parting *parting = mem_zeroed(sizeof *parting);

	parting->wire = wire;
	parting->spec = *spec;
	parting->pause_ns = FIRST_PAUSE_NS;
	uv_timer_init(agent_wire_loop(wire), &parting->timer);
	parting->timer.data = parting;
	enter(parting, PARTING_HELD, -1);
	return parting;
}

void agent_parting_begin(struct agent_parting *parting, const char *session_id,
	enum parting_from from, bool hears)
{
	assert(parting->step == PARTING_HELD && !parting->next_ns);
	parting->path = session_id ? agent_wire_path(session_id, "") : NULL;
	parting->from = from;
	parting->hears = hears;
	enter(parting, PARTING_HELD, 0);
}

void agent_parting_idle(struct agent_parting *parting)
{
	parting->idle = true;
	if (parting->step == PARTING_WAIT || parting->step == PARTING_LOOK)
		end(parting);
}

void agent_parting_ended(struct agent_parting *parting, bool deleted)
{
	parting->ended = true;
	parting->deleted |= deleted;
	if (parting->step == PARTING_WAIT || parting->step == PARTING_LOOK ||
		parting->step == PARTING_RETRY)
		end(parting);
}

void agent_parting_deaf(struct agent_parting *parting)
{
	parting->hears = false;
	if (parting->step == PARTING_WAIT)
		look(parting);
}

void agent_parting_give_up(struct agent_parting *parting, const char *why)
{
	if (!parting->given_up)
		parting->given_up = mem_text(why);
	set_timer(parting);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_parting *parting = handle->data;

	free(parting->given_up);
	free(parting->path);
	free(parting);
}

void agent_parting_destroy(struct agent_parting *parting)
{
	if (!parting)
		return;
	parting->closed = true;
	agent_call_cancel(parting->call);
	uv_close((uv_handle_t *)&parting->timer, on_closed);
}

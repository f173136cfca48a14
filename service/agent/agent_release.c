#include "service/agent/agent_release.h"

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
	AGENT_RELEASE_HELD,
	AGENT_RELEASE_INTERRUPT, /* interrupting */
	AGENT_RELEASE_WAIT,      /* for the idle event, or to look again */
	AGENT_RELEASE_LOOK,      /* reading the stored status */
	AGENT_RELEASE_END,       /* archiving or deleting */
	AGENT_RELEASE_RETRY,     /* it was refused: soon again */
	AGENT_RELEASE_OVER,
};

struct agent_release {
	enum parting_step step;
	struct agent_http *wire;
	struct agent_release_spec spec;
	char *path; /* of the session; NULL: there is none */
	enum agent_release_from from;
	bool hears;
	bool idle;    /* it said so */
	bool ended;   /* it is terminated */
	bool deleted; /* or even gone */
	bool interrupted;
	int64_t refused_ns; /* since when, after the last interrupt; 0: it was not */
	int64_t pause_ns;
	int64_t next_ns; /* when to go on; 0: an answer or event does that */
	char *given_up;  /* why */
	struct agent_http_call *call;
	uv_timer_t timer;
	bool closed;
};

static void on_timer(uv_timer_t *timer);

static void set_timer(struct agent_release *release)
{
	int64_t due_ns = release->given_up ? clock_now() : release->next_ns;

	if (release->closed || release->step == AGENT_RELEASE_OVER)
		return;
	if (release->spec.deadline_ns &&
		(!due_ns || release->spec.deadline_ns < due_ns))
		due_ns = release->spec.deadline_ns;
	if (due_ns)
		uv_timer_start(&release->timer, on_timer,
			clock_ms_up(due_ns - clock_now()), 0);
	else
		uv_timer_stop(&release->timer);
}

/* The only writer of `step`. Whatever was under way is not any more. */
static void enter(
	struct agent_release *release, enum parting_step step, int64_t pause_ns)
{
	agent_http_cancel(release->call);
	release->call = NULL;
	release->step = step;
	release->next_ns = pause_ns < 0 ? 0 : clock_now() + pause_ns;
	set_timer(release);
}

/* When time is up it does not matter any more which timer noticed it first. */
static void finish(struct agent_release *release, const char *why)
{
	int64_t deadline_ns = release->spec.deadline_ns;

	if (why && !release->given_up && deadline_ns && deadline_ns <= clock_now())
		why = "deadline";
	enter(release, AGENT_RELEASE_OVER, -1);
	uv_timer_stop(&release->timer);
	release->spec.done(release->spec.arg, why);
}

static int64_t grown_pause(struct agent_release *release)
{
	int64_t pause_ns = release->pause_ns;

	release->pause_ns *= 2;
	if (release->pause_ns > LAST_PAUSE_NS)
		release->pause_ns = LAST_PAUSE_NS;
	return pause_ns;
}

/* Takes body. */
static void ask(struct agent_release *release, enum parting_step step,
	const char *method, const char *rest, cJSON *body, agent_http_done_fn *done)
{
	SCOPED(mem_free) char *path = mem_textf("%s%s", release->path, rest);
	struct agent_http_request request = {
		.method = method,
		.path = path,
		.body = body,
		.deadline_ns = release->spec.deadline_ns,
		.done = done,
		.arg = release,
	};
	int64_t request_by_ns = clock_now() + release->spec.request_ns;

	enter(release, step, -1);
	if (step != AGENT_RELEASE_END &&
		(!request.deadline_ns || request_by_ns < request.deadline_ns))
		request.deadline_ns = request_by_ns;
	release->call = agent_http_start(release->wire, &request);
}

static void on_interrupted(void *arg, const struct agent_http_response *answer);
static void on_looked(void *arg, const struct agent_http_response *answer);
static void on_end_answered(void *arg, const struct agent_http_response *answer);

static void interrupt(struct agent_release *release)
{
	release->interrupted = true;
	release->refused_ns = 0;
	ask(release, AGENT_RELEASE_INTERRUPT, "POST", "/events", agent_http_interrupt(),
		on_interrupted);
}

static void look(struct agent_release *release)
{
	ask(release, AGENT_RELEASE_LOOK, "GET", "", NULL, on_looked);
}

/* Nothing is left to ask for. */
static bool is_done(const struct agent_release *release)
{
	return release->deleted ||
		(release->ended && release->spec.ending != AGENT_SESSION_DELETE);
}

/* The session does not run any more, as far as we know. */
static void end(struct agent_release *release)
{
	if (is_done(release)) {
		finish(release, NULL);
		return;
	}
	switch (release->spec.ending) {
	case AGENT_SESSION_KEEP:
		finish(release, NULL);
		return;
	case AGENT_SESSION_ARCHIVE:
		ask(release, AGENT_RELEASE_END, "POST", "/archive", NULL,
			on_end_answered);
		return;
	case AGENT_SESSION_DELETE:
		ask(release, AGENT_RELEASE_END, "DELETE", "", NULL, on_end_answered);
		return;
	}
}

static void wait_for_idle(struct agent_release *release)
{
	enter(release, AGENT_RELEASE_WAIT,
		release->hears ? HEARING_NS : grown_pause(release));
}

/* Something else than the API's refusal: without the session there is nothing to end,
 * and the request that does end it tells best what is wrong. */
static bool settle_failure(
	struct agent_release *release, const struct agent_http_response *answer)
{
	if (!answer->why)
		return false;
	if (answer->status == 404)
		finish(release, NULL);
	else if (release->spec.ending == AGENT_SESSION_KEEP)
		finish(release, answer->why);
	else
		end(release);
	return true;
}

static void on_interrupted(void *arg, const struct agent_http_response *answer)
{
	struct agent_release *release = arg;

	release->call = NULL;
	if (settle_failure(release, answer))
		return;
	if (release->idle || release->ended)
		end(release);
	else if (release->from == AGENT_RELEASE_FROM_WAITING)
		look(release); /* no event comes of a session that was idle already */
	else
		wait_for_idle(release);
}

static bool says_running(const char *status)
{
	return status &&
		(strcmp(status, "running") == 0 || strcmp(status, "rescheduling") == 0);
}

static void on_looked(void *arg, const struct agent_http_response *answer)
{
	struct agent_release *release = arg;
	const char *status = json_text(answer->json, "status");

	release->call = NULL;
	if (settle_failure(release, answer))
		return;
	if (status && strcmp(status, "terminated") == 0)
		release->ended = true;
	if (!says_running(status))
		end(release);
	else if (!release->interrupted)
		interrupt(release);
	else
		wait_for_idle(release);
}

/* HTTP 400, 'Session x cannot be archived while its status is "running". ...' or
 * 'Cannot delete session while it is running. ...' */
static bool refused_as(const struct agent_http_response *answer, const char *status)
{
	const char *said = json_text(json_get(answer->json, "error"), "message");

	return answer->status == 400 && said && strstr(said, status);
}

/* Is it the stored status that lags behind, or does a turn run that we did not stop? */
static void after_refusal(struct agent_release *release)
{
	bool expected = release->interrupted || release->idle ||
		release->from == AGENT_RELEASE_FROM_IDLE;
	int64_t now_ns = clock_now();

	if (!release->refused_ns)
		release->refused_ns = now_ns;
	if (!expected || now_ns - release->refused_ns > REFUSED_NS)
		interrupt(release);
	else
		enter(release, AGENT_RELEASE_RETRY, grown_pause(release));
}

static void on_end_answered(void *arg, const struct agent_http_response *answer)
{
	struct agent_release *release = arg;

	release->call = NULL;
	release->ended |= refused_as(answer, "\"terminated\"");
	if (!answer->why || answer->status == 404 || is_done(release))
		finish(release, NULL);
	else if (refused_as(answer, "running") || refused_as(answer, "rescheduling"))
		after_refusal(release);
	else
		finish(release, answer->why);
}

static void go_on(struct agent_release *release)
{
	switch (release->step) {
	case AGENT_RELEASE_HELD:
		if (!release->path)
			finish(release, NULL);
		else if (release->idle || release->ended)
			end(release);
		else if (release->from == AGENT_RELEASE_FROM_RUNNING ||
			(release->from == AGENT_RELEASE_FROM_WAITING &&
				release->spec.ending == AGENT_SESSION_KEEP))
			interrupt(release);
		else if (release->from == AGENT_RELEASE_FROM_UNKNOWN &&
			release->spec.ending == AGENT_SESSION_KEEP)
			look(release);
		else
			end(release);
		return;
	case AGENT_RELEASE_WAIT:
		look(release);
		return;
	case AGENT_RELEASE_RETRY:
		end(release);
		return;
	case AGENT_RELEASE_INTERRUPT:
	case AGENT_RELEASE_LOOK:
	case AGENT_RELEASE_END:
	case AGENT_RELEASE_OVER:
		return; /* their answers go on */
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_release *release = timer->data;
	int64_t now_ns = clock_now();
	int64_t deadline_ns = release->spec.deadline_ns;

	if (release->given_up) {
		finish(release, release->given_up);
	} else if (deadline_ns && deadline_ns <= now_ns) {
		finish(release, "deadline");
	} else if (release->next_ns && release->next_ns <= now_ns) {
		release->next_ns = 0;
		go_on(release);
	} else {
		set_timer(release);
	}
}

struct agent_release *agent_release_create(
	struct agent_http *wire, const struct agent_release_spec *spec)
{
	struct agent_release *release = mem_zeroed(sizeof *release);

	release->wire = wire;
	release->spec = *spec;
	release->pause_ns = FIRST_PAUSE_NS;
	uv_timer_init(agent_http_loop(wire), &release->timer);
	release->timer.data = release;
	enter(release, AGENT_RELEASE_HELD, -1);
	return release;
}

void agent_release_begin(struct agent_release *release, const char *session_id,
	enum agent_release_from from, bool hears)
{
	assert(release->step == AGENT_RELEASE_HELD && !release->next_ns);
	release->path = session_id ? agent_http_path(session_id, "") : NULL;
	release->from = from;
	release->hears = hears;
	enter(release, AGENT_RELEASE_HELD, 0);
}

void agent_release_idle(struct agent_release *release)
{
	release->idle = true;
	if (release->step == AGENT_RELEASE_WAIT || release->step == AGENT_RELEASE_LOOK)
		end(release);
}

void agent_release_ended(struct agent_release *release, bool deleted)
{
	release->ended = true;
	release->deleted |= deleted;
	if (release->step == AGENT_RELEASE_WAIT ||
		release->step == AGENT_RELEASE_LOOK ||
		release->step == AGENT_RELEASE_RETRY)
		end(release);
}

void agent_release_deaf(struct agent_release *release)
{
	release->hears = false;
	if (release->step == AGENT_RELEASE_WAIT)
		look(release);
}

void agent_release_give_up(struct agent_release *release, const char *why)
{
	if (!release->given_up)
		release->given_up = mem_text(why);
	set_timer(release);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_release *release = handle->data;

	free(release->given_up);
	free(release->path);
	free(release);
}

void agent_release_destroy(struct agent_release *release)
{
	if (!release)
		return;
	release->closed = true;
	agent_http_cancel(release->call);
	uv_close((uv_handle_t *)&release->timer, on_closed);
}

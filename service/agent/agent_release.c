#include "service/agent/agent_release.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/agent/backoff.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* before the API is asked again */
#define MAX_PAUSE_NS   (250 * CLOCK_MS)
#define STREAMING_NS   (2 * CLOCK_S) /* the same, while the idle event may arrive */
#define REFUSED_NS     (5 * CLOCK_S) /* of refusals as running: interrupt again */

enum agent_release_state {
	AGENT_RELEASE_HELD,     /* until agent_release_begin() */
	AGENT_RELEASE_STARTING, /* acts in the loop's next turn */
	AGENT_RELEASE_INTERRUPTING,
	AGENT_RELEASE_WAITING,  /* for the idle event, or to look again */
	AGENT_RELEASE_LOOKING,  /* reads the stored status */
	AGENT_RELEASE_ENDING,   /* archives or deletes */
	AGENT_RELEASE_RETRYING, /* pauses after the API refused that as running */
	AGENT_RELEASE_OVER,
};

struct agent_release {
	enum agent_release_state state;
	struct agent_http *http;
	enum agent_session_end end;
	agent_release_fn *done;
	void *arg;
	char *session_id;
	enum agent_remote remote;
	bool streaming;
	int64_t refused_ns; /* the first refusal since the last interrupt; 0: none */
	struct backoff backoff;
	struct agent_http_call *call;
	struct loop_timer *pause;                    /* of the present state */
	void (*then)(struct agent_release *release); /* after the pause */
	struct loop_timer *deadline;                 /* of the whole release */
	int64_t deadline_ns;                         /* 0: none */
	char *given_up; /* why, or NULL; sets deadline_ns to that time */
};

/* The only writer of `state`. A request or pause of the previous state ends. */
static void enter(struct agent_release *release, enum agent_release_state state)
{
	agent_http_cancel(release->call);
	release->call = NULL;
	loop_timer_stop(release->pause);
	release->state = state;
}

/* Pauses, then calls `then`. */
static void enter_for(struct agent_release *release, enum agent_release_state state,
	int64_t pause_ns, void (*then)(struct agent_release *release))
{
	enter(release, state);
	release->then = then;
	loop_timer_set(release->pause, pause_ns);
}

/* A failure at or after the deadline counts as the deadline. */
static void finish(struct agent_release *release, const char *why)
{
	if (why && release->deadline_ns && release->deadline_ns <= clock_now())
		why = release->given_up ? release->given_up : "deadline";
	enter(release, AGENT_RELEASE_OVER);
	loop_timer_stop(release->deadline);
	release->done(release->arg, why);
}

/* Takes body. */
static void ask(struct agent_release *release, enum agent_release_state state,
	const char *method, const char *rest, cJSON *body, agent_http_done_fn *done)
{
	struct agent_http_request request = {
		.method = method,
		.id = release->session_id,
		.rest = rest,
		.body = body,
		.deadline_ns = release->deadline_ns,
		/* at a stop that would be work for the time after the last answer */
		.last = state == AGENT_RELEASE_ENDING,
		.unread = state == AGENT_RELEASE_ENDING,
		.done = done,
		.arg = release,
	};
	int64_t short_ns = agent_http_deadline(release->http);

	enter(release, state);
	if (state != AGENT_RELEASE_ENDING &&
		(!request.deadline_ns || short_ns < request.deadline_ns))
		request.deadline_ns = short_ns;
	request.paced = state == AGENT_RELEASE_ENDING;
	release->call = agent_http_start(release->http, &request);
}

static void on_interrupted(void *arg, const struct agent_response *response);
static void on_status(void *arg, const struct agent_response *response);
static void on_ended(void *arg, const struct agent_response *response);

static void interrupt(struct agent_release *release)
{
	if (release->remote == AGENT_REMOTE_RUNNING ||
		release->remote == AGENT_REMOTE_UNKNOWN)
		release->remote = AGENT_REMOTE_INTERRUPTED;
	release->refused_ns = 0;
	ask(release, AGENT_RELEASE_INTERRUPTING, "POST", "/events",
		agent_http_interrupt(), on_interrupted);
}

static void look(struct agent_release *release)
{
	ask(release, AGENT_RELEASE_LOOKING, "GET", NULL, NULL, on_status);
}

static bool is_done(const struct agent_release *release)
{
	return release->remote == AGENT_REMOTE_DELETED ||
		(release->remote == AGENT_REMOTE_TERMINATED &&
			release->end != AGENT_SESSION_DELETE);
}

/* The session does not run any more, as far as is known. */
static void end(struct agent_release *release)
{
	if (is_done(release) || release->end == AGENT_SESSION_KEEP)
		finish(release, NULL);
	else if (release->end == AGENT_SESSION_ARCHIVE)
		ask(release, AGENT_RELEASE_ENDING, "POST", "/archive", NULL, on_ended);
	else
		ask(release, AGENT_RELEASE_ENDING, "DELETE", NULL, NULL, on_ended);
}

static void wait_for_idle(struct agent_release *release)
{
	enter_for(release, AGENT_RELEASE_WAITING,
		release->streaming ? STREAMING_NS : backoff_next(&release->backoff),
		look);
}

/* True: the request failed, and the release has gone on. The response to archive or
 * delete says best what is wrong. */
static bool handle_failure(
	struct agent_release *release, const struct agent_response *response)
{
	if (!response->why)
		return false;
	if (response->status == 404)
		finish(release, NULL);
	else if (release->end == AGENT_SESSION_KEEP)
		finish(release, response->why);
	else
		end(release);
	return true;
}

static void on_interrupted(void *arg, const struct agent_response *response)
{
	struct agent_release *release = arg;

	release->call = NULL;
	if (handle_failure(release, response))
		return;
	if (release->remote == AGENT_REMOTE_IDLE ||
		release->remote >= AGENT_REMOTE_TERMINATED) {
		end(release);
	} else if (release->remote == AGENT_REMOTE_WAITING) {
		/* the API says idle already: no event follows */
		release->remote = AGENT_REMOTE_INTERRUPTED;
		look(release);
	} else {
		wait_for_idle(release);
	}
}

static void on_status(void *arg, const struct agent_response *response)
{
	struct agent_release *release = arg;
	const char *status = json_text(response->json, "status");

	release->call = NULL;
	if (handle_failure(release, response))
		return;
	if (status && strcmp(status, "terminated") == 0)
		release->remote = AGENT_REMOTE_TERMINATED;
	if (!agent_http_is_running(status))
		end(release);
	else if (release->remote == AGENT_REMOTE_INTERRUPTED)
		wait_for_idle(release);
	else
		interrupt(release);
}

/* HTTP 400, 'Session x cannot be archived while its status is "running". ...' or
 * 'Cannot delete session while it is running. ...' */
static bool is_refused_as(const struct agent_response *response, const char *status)
{
	const char *message = json_text(json_get(response->json, "error"), "message");

	return response->status == 400 && message && strstr(message, status);
}

/* An expected refusal is the lag of the stored status; another one shows a turn that
 * was not interrupted. */
static void after_refusal(struct agent_release *release)
{
	bool expected = release->remote == AGENT_REMOTE_IDLE ||
		release->remote == AGENT_REMOTE_INTERRUPTED;
	int64_t now_ns = clock_now();

	if (!release->refused_ns)
		release->refused_ns = now_ns;
	if (!expected || now_ns - release->refused_ns > REFUSED_NS)
		interrupt(release);
	else
		enter_for(release, AGENT_RELEASE_RETRYING,
			backoff_next(&release->backoff), end);
}

static void on_ended(void *arg, const struct agent_response *response)
{
	struct agent_release *release = arg;

	release->call = NULL;
	if (is_refused_as(response, "\"terminated\""))
		agent_release_learn(release, AGENT_REMOTE_TERMINATED);
	if (!response->why || response->status == 404 || is_done(release))
		finish(release, NULL);
	else if (is_refused_as(response, "running") ||
		is_refused_as(response, "rescheduling"))
		after_refusal(release);
	else
		finish(release, response->why);
}

static void start(struct agent_release *release)
{
	bool keep = release->end == AGENT_SESSION_KEEP;

	if (release->remote == AGENT_REMOTE_RUNNING ||
		(release->remote == AGENT_REMOTE_WAITING && keep))
		interrupt(release);
	else if (release->remote == AGENT_REMOTE_UNKNOWN && keep)
		look(release);
	else
		end(release);
}

static void on_pause_over(void *arg)
{
	struct agent_release *release = arg;

	release->then(release);
}

static void on_deadline(void *arg)
{
	finish(arg, "deadline");
}

struct agent_release *agent_release_create(struct agent_http *http,
	enum agent_session_end end, int64_t deadline_ns, agent_release_fn *done,
	void *arg)
{
	struct agent_release *release = mem_zeroed(sizeof *release);
	uv_loop_t *loop = agent_http_loop(http);

	release->http = http;
	release->end = end;
	release->done = done;
	release->arg = arg;
	release->backoff = (struct backoff){FIRST_PAUSE_NS, MAX_PAUSE_NS};
	release->pause = loop_timer_create(loop, on_pause_over, release);
	release->deadline = loop_timer_create(loop, on_deadline, release);
	release->deadline_ns = deadline_ns;
	if (deadline_ns)
		loop_timer_set(release->deadline, deadline_ns - clock_now());
	return release;
}

void agent_release_begin(struct agent_release *release, const char *session_id,
	enum agent_remote remote, bool streaming)
{
	assert(agent_release_is_held(release));
	release->session_id = mem_text(session_id);
	release->remote = remote;
	release->streaming = streaming;
	enter_for(release, AGENT_RELEASE_STARTING, 0, start);
}

bool agent_release_is_held(const struct agent_release *release)
{
	return release->state == AGENT_RELEASE_HELD;
}

bool agent_release_is_starting(const struct agent_release *release)
{
	return release->state == AGENT_RELEASE_STARTING;
}

bool agent_release_is_ending(const struct agent_release *release)
{
	return release->state == AGENT_RELEASE_ENDING;
}

void agent_release_learn(struct agent_release *release, enum agent_remote remote)
{
	if (remote > release->remote || release->remote < AGENT_REMOTE_TERMINATED)
		release->remote = remote;
	if (release->state == AGENT_RELEASE_WAITING ||
		release->state == AGENT_RELEASE_LOOKING ||
		(release->state == AGENT_RELEASE_RETRYING &&
			remote >= AGENT_REMOTE_TERMINATED))
		end(release);
}

void agent_release_lose_stream(struct agent_release *release)
{
	release->streaming = false;
	if (release->state == AGENT_RELEASE_WAITING)
		look(release);
}

void agent_release_give_up(struct agent_release *release, const char *why)
{
	if (release->given_up)
		return;
	release->given_up = mem_text(why);
	release->deadline_ns = clock_now();
	loop_timer_stop(release->pause);
	loop_timer_set(release->deadline, 0);
}

void agent_release_destroy(struct agent_release *release)
{
	if (!release)
		return;
	agent_http_cancel(release->call);
	loop_timer_destroy(release->pause);
	loop_timer_destroy(release->deadline);
	free(release->given_up);
	free(release->session_id);
	free(release);
}

#include "service/cli/cli_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/cli/cli_process.h"
#include "service/stop_order.h"

#define INITIALIZE "initialize" /* the id of its control request */

enum cli_session_state {
	CLI_SESSION_QUEUED,
	CLI_SESSION_STARTING,
	CLI_SESSION_OPEN,
	CLI_SESSION_BROKEN, /* no turn is possible any more */
	CLI_SESSION_RELEASING,
	CLI_SESSION_RELEASED,
};

struct cli_session {
	enum cli_session_state state;
	const struct cli_host *host;
	const char *room, *bot;
	char *id;
	bool resumes, forgets;
	const struct cli_session_events *events;
	void *arg;
	struct spawn_queue_entry entry;
	struct cli_process *process; /* NULL: none was started, or it was reaped */
	bool existed;
	unsigned interrupts;      /* the number of the last one is its request's id */
	bool turning;             /* a turn runs */
	bool interrupted;         /* and was interrupted */
	struct loop_timer *timer; /* of STARTING; of RELEASING's interrupt */
	struct loop_timer *soon;  /* the release is over */

	struct stop_order order; /* deadline_ns alone */
	cli_session_released_fn *done;
	void *done_arg;
	const char *given_up; /* why, or NULL */
};

/* The only writer of `state`. */
static void enter(struct cli_session *session, enum cli_session_state state)
{
	session->state = state;
	loop_timer_stop(session->timer);
}

/* A random UUID, version 4. The caller's. */
static char *make_id(void)
{
	unsigned char r[16] = {0};

	(void)!getrandom(r, sizeof r, 0);
	r[6] = (unsigned char)(0x40 | (r[6] & 0x0f));
	r[8] = (unsigned char)(0x80 | (r[8] & 0x3f));
	return mem_textf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
			 "%02x%02x%02x%02x%02x%02x",
		r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
		r[11], r[12], r[13], r[14], r[15]);
}

static void end_turn(struct cli_session *session, enum turn_end end, const char *text)
{
	if (!session->turning)
		return;
	if (session->interrupted && end != TURN_ANSWERED)
		end = TURN_INTERRUPTED;
	session->turning = false;
	session->events->turned(session->arg, end, text);
}

static void stop_process(struct cli_session *session)
{
	int64_t eof_ns = session->host->config->eof_ns;
	int64_t term_ns = session->host->config->term_ns;

	stop_order_shorten(&session->order, &eof_ns, &term_ns);
	cli_process_stop(session->process, eof_ns, term_ns);
}

static void fail_to_open(struct cli_session *session, const char *why)
{
	enter(session, CLI_SESSION_BROKEN);
	if (session->process)
		stop_process(session);
	session->events->opened(session->arg, NULL, why);
}

static void open_now(struct cli_session *session)
{
	enter(session, CLI_SESSION_OPEN);
	session->events->opened(session->arg, session->id, NULL);
}

static void interrupt(struct cli_session *session)
{
	SCOPED(mem_free) char *id = mem_textf("%u", ++session->interrupts);

	session->interrupted = true;
	(void)!cli_process_send(session->process, cli_message_request(id, "interrupt"));
}

/* A result without a turn of ours is that of a conversation which cannot be resumed; the
 * process then ends. */
static void on_result(struct cli_session *session, const struct cli_message *message)
{
	bool releasing = session->state == CLI_SESSION_RELEASING && session->turning;

	end_turn(session, message->failed ? TURN_FAILED : TURN_ANSWERED, message->text);
	if (releasing) {
		loop_timer_stop(session->timer);
		stop_process(session);
	}
}

static void on_message(void *arg, const struct cli_message *message)
{
	struct cli_session *session = arg;
	bool initialized =
		message->request_id && strcmp(message->request_id, INITIALIZE) == 0;

	switch (message->kind) {
	case CLI_MESSAGE_RESPONSE:
		if (session->state != CLI_SESSION_STARTING || !initialized)
			return;
		if (message->failed)
			fail_to_open(session, message->text);
		else
			open_now(session);
		return;
	case CLI_MESSAGE_REQUEST:
		if (message->request_id)
			(void)!cli_process_send(session->process,
				cli_message_refusal(message->request_id));
		return;
	case CLI_MESSAGE_RESULT:
		on_result(session, message);
		return;
	case CLI_MESSAGE_OTHER:
		return;
	}
}

static void finish(struct cli_session *session, const char *why)
{
	enter(session, CLI_SESSION_RELEASED);
	loop_timer_stop(session->soon);
	end_turn(session, TURN_INTERRUPTED, why ? why : "interrupted");
	session->done(session->done_arg, why);
}

static void on_soon(void *arg)
{
	struct cli_session *session = arg;

	finish(session, session->given_up);
}

static void on_turn_to_start(void *arg);

static void queue(struct cli_session *session)
{
	enter(session, CLI_SESSION_QUEUED);
	session->entry.start = on_turn_to_start;
	session->entry.arg = session;
	spawn_queue_add(session->host->spawn_queue, &session->entry);
}

/* The stored conversation is not on this disk (any more): begin a new one. */
static void begin_anew(struct cli_session *session)
{
	free(session->id);
	session->id = make_id();
	session->resumes = false;
	queue(session);
}

static void on_gone(void *arg, const char *why)
{
	struct cli_session *session = arg;

	cli_process_destroy(session->process);
	session->process = NULL;
	switch (session->state) {
	case CLI_SESSION_STARTING:
		if (session->resumes)
			begin_anew(session);
		else
			fail_to_open(session, why);
		return;
	case CLI_SESSION_OPEN:
		enter(session, CLI_SESSION_BROKEN);
		end_turn(session, TURN_FAILED, why);
		session->events->broke(session->arg, why);
		return;
	case CLI_SESSION_RELEASING:
		finish(session, session->given_up);
		return;
	case CLI_SESSION_QUEUED:
	case CLI_SESSION_BROKEN:
	case CLI_SESSION_RELEASED:
		return;
	}
}

static const struct cli_process_events process_events = {
	.message = on_message, .gone = on_gone};

static void on_turn_to_start(void *arg)
{
	struct cli_session *session = arg;
	struct err err = {0};

	session->process = cli_process_start(session->host,
		&(struct cli_process_spec){
			.room = session->room,
			.bot = session->bot,
			.conversation = {session->id, session->resumes,
				session->forgets},
		},
		&process_events, session, &err);
	if (!session->process) {
		fail_to_open(session, err.text);
		return;
	}
	session->existed = true;
	enter(session, CLI_SESSION_STARTING);
	(void)!cli_process_send(
		session->process, cli_message_request(INITIALIZE, "initialize"));
	loop_timer_set(session->timer, session->host->config->start_ns);
}

static void on_timer(void *arg)
{
	struct cli_session *session = arg;

	if (session->state == CLI_SESSION_RELEASING)
		stop_process(session);
	else if (session->state == CLI_SESSION_STARTING)
		fail_to_open(session, "the CLI did not answer initialize in time");
}

struct cli_session *cli_session_open(const struct cli_host *host, const char *id,
	bool forgets, const char *room, const char *bot,
	const struct cli_session_events *events, void *arg)
{
	struct cli_session *session = mem_zeroed(sizeof *session);

	session->host = host;
	session->room = room;
	session->bot = bot;
	session->events = events;
	session->arg = arg;
	session->resumes = id != NULL;
	session->forgets = forgets;
	session->id = id ? mem_text(id) : make_id();
	session->timer = loop_timer_create(host->loop, on_timer, session);
	session->soon = loop_timer_create(host->loop, on_soon, session);
	queue(session);
	return session;
}

bool cli_session_exists(const struct cli_session *session)
{
	return session->existed;
}

bool cli_session_send(struct cli_session *session, const char *text, struct err *err)
{
	if (session->state != CLI_SESSION_OPEN)
		return err_set(err, "the CLI does not run");
	if (session->turning)
		return err_set(err, "a turn is running");
	if (!cli_process_send(session->process, cli_message_user(text)))
		return err_set(err, "the CLI does not read its stdin");
	session->turning = true;
	session->interrupted = false;
	return true;
}

void cli_session_interrupt(struct cli_session *session)
{
	if (session->process && session->turning)
		interrupt(session);
}

/* A CLI with a turn in flight ignores the end of stdin, so the turn is interrupted
 * first. That may take a quarter of the time left. */
static void begin_release(struct cli_session *session)
{
	int64_t wait_ns = session->host->config->interrupt_ns;
	int64_t left_ns = (session->order.deadline_ns - clock_now()) / 4;

	if (!session->turning) {
		stop_process(session);
		return;
	}
	if (session->order.deadline_ns && left_ns < wait_ns)
		wait_ns = left_ns > 0 ? left_ns : 0;
	interrupt(session);
	loop_timer_set(session->timer, wait_ns);
}

void cli_session_release(struct cli_session *session, int64_t deadline_ns,
	cli_session_released_fn *done, void *arg)
{
	assert(session->state < CLI_SESSION_RELEASING);
	session->done = done;
	session->done_arg = arg;
	session->order.deadline_ns = deadline_ns;
	spawn_queue_remove(session->host->spawn_queue, &session->entry);
	enter(session, CLI_SESSION_RELEASING);
	if (session->process)
		begin_release(session);
	else
		loop_timer_set(session->soon, 0);
}

void cli_session_give_up(struct cli_session *session, const char *why)
{
	if (session->state != CLI_SESSION_RELEASING || session->given_up)
		return;
	session->given_up = why;
	if (session->process)
		cli_process_stop(session->process, 0, 0);
	loop_timer_set(session->soon, 0);
}

void cli_session_destroy(struct cli_session *session)
{
	if (!session)
		return;
	spawn_queue_remove(session->host->spawn_queue, &session->entry);
	cli_process_destroy(session->process);
	loop_timer_destroy(session->timer);
	loop_timer_destroy(session->soon);
	free(session->id);
	free(session);
}

#include "service/agent/agent_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/sse.h"
#include "service/agent/agent_backfill.h"
#include "service/agent/backoff.h"

#define EVENT_CEILING ((size_t)1 << 20)
#define QUEUE_CEILING ((size_t)16 << 20)
#define SEEN_MAX      512 /* ids that are remembered */
#define SEEN_MIN      8   /* room for them at first; doubled up to SEEN_MAX */

#define FIRST_PAUSE_NS (500 * CLOCK_MS) /* before the connection is made again */
#define MAX_PAUSE_NS   (10 * CLOCK_S)
#define GOOD_AGE_NS    MAX_PAUSE_NS   /* a connection this old was a good one */
#define GIVE_UP_NS     (60 * CLOCK_S) /* without a good connection */
#define FIRST_LOOK_NS  (5 * CLOCK_MS) /* into the list, while no connection is open */
#define MAX_LOOK_NS    (2 * CLOCK_S)
#define SILENCE_NS     (15 * CLOCK_S) /* of an open connection, before a look */

enum agent_stream_state {
	AGENT_STREAM_PAUSED,     /* until connect_ns */
	AGENT_STREAM_CONNECTING, /* nothing arrived yet */
	AGENT_STREAM_OPEN,       /* from here on the connection misses no event */
	AGENT_STREAM_LOST,       /* `lost` was called */
	AGENT_STREAM_CLOSED,     /* the timer's handle is closing */
};

enum expected {
	EXPECT_NOTHING,
	EXPECT_ACCEPTANCE, /* of the message; the list is not read before */
	EXPECT_EVENTS,
};

struct agent_stream {
	enum agent_stream_state state;
	struct agent_http *http;
	const struct agent_stream_events *events;
	void *arg;
	char *session_id;
	uv_timer_t timer;
	bool due;  /* the timer is to act in the loop's next turn */
	bool last; /* no connection after this one */

	/* the connection */
	struct fetch_call *get; /* NULL: it has ended, or there is none */
	struct sse sse;
	int64_t began_ns;
	int64_t received_ns;  /* the last data of any connection */
	bool headed;          /* the head of its answer arrived */
	bool good;            /* a whole event arrived */
	char *broken;         /* why it must be closed, or has ended; NULL: neither */
	long status;          /* with `broken`: the HTTP error that says so, or 0 */
	int64_t connect_ns;   /* when to make it again; 0: not now */
	int64_t bad_since_ns; /* 0: the last one was good */
	struct backoff pause;

	/* missing events */
	enum expected expected;
	char *after_id; /* the message whose events are expected, or NULL */
	struct agent_backfill *backfill; /* under way */
	bool backfill_due;
	bool backfill_failed;
	int64_t look_ns; /* when to check the list for missing events; 0: not now */
	struct backoff look;

	/* received and not yet reported */
	cJSON *queue;
	size_t queued;  /* bytes */
	uint64_t *seen; /* hashes of ids: a ring once it has grown to SEEN_MAX */
	unsigned seen_room;
	unsigned seen_count;
};

static void on_timer(uv_timer_t *timer);

/* The only writer of `state`. */
static void enter(struct agent_stream *stream, enum agent_stream_state state)
{
	stream->state = state;
}

/* Older events, from the list, come first. */
static bool is_queue_held(const struct agent_stream *stream)
{
	return stream->backfill || stream->backfill_due;
}

/* Sets the timer to the earliest of what is due. */
static void set_timer(struct agent_stream *stream)
{
	int64_t due_ns = stream->connect_ns;

	if (stream->state >= AGENT_STREAM_LOST)
		return;
	if (due_ns == 0 || (stream->look_ns && stream->look_ns < due_ns))
		due_ns = stream->look_ns;
	if (stream->due)
		due_ns = clock_now();
	if (due_ns)
		uv_timer_start(
			&stream->timer, on_timer, clock_ms_up(due_ns - clock_now()), 0);
	else
		uv_timer_stop(&stream->timer);
}

static void wake(struct agent_stream *stream)
{
	stream->due = true;
	set_timer(stream);
}

static bool was_seen(void *arg, const char *id)
{
	const struct agent_stream *stream = arg;
	uint64_t hash = hash_text(HASH_BASIS, id);
	unsigned known = stream->seen_count < SEEN_MAX ? stream->seen_count : SEEN_MAX;

	for (unsigned i = 0; i < known; i++)
		if (stream->seen[i] == hash)
			return true;
	return false;
}

static void note_seen(void *arg, const char *id)
{
	struct agent_stream *stream = arg;

	if (stream->seen_count == stream->seen_room && stream->seen_room < SEEN_MAX) {
		stream->seen_room =
			stream->seen_room ? 2 * stream->seen_room : SEEN_MIN;
		stream->seen = mem_grown(
			stream->seen, stream->seen_room, sizeof *stream->seen);
	}
	stream->seen[stream->seen_count++ % SEEN_MAX] = hash_text(HASH_BASIS, id);
}

static void report(struct agent_stream *stream, const cJSON *event)
{
	const char *id = json_text(event, "id");
	const char *type = json_text(event, "type");

	if (!type || (id && was_seen(stream, id)))
		return;
	if (id)
		note_seen(stream, id);
	stream->events->event(stream->arg, type, event);
}

static void report_queue(struct agent_stream *stream)
{
	cJSON *event;

	while (stream->state != AGENT_STREAM_CLOSED && !is_queue_held(stream) &&
		(event = cJSON_DetachItemFromArray(stream->queue, 0))) {
		report(stream, event);
		cJSON_Delete(event);
	}
	if (!stream->queue->child)
		stream->queued = 0;
}

/* The first reason counts. */
static void break_connection(struct agent_stream *stream, long status, const char *why)
{
	if (!stream->broken) {
		stream->broken = mem_textf("event stream: %s", why);
		stream->status = status;
	}
	wake(stream);
}

static void on_event(void *arg, const char *name, const char *data, size_t len)
{
	struct agent_stream *stream = arg;
	const char *wrong = NULL;
	cJSON *event;

	if (strcmp(name, "ping") == 0) {
		stream->good = true;
		return;
	}
	event = json_parse(data, len);
	stream->queued += len;
	if (!cJSON_IsObject(event)) {
		wrong = "an event is not JSON";
	} else if (strcmp(name, "error") == 0) {
		wrong = json_text(json_get(event, "error"), "message");
		if (!wrong)
			wrong = "the server reports an error";
	} else if (stream->queued > QUEUE_CEILING) {
		wrong = "too many events at once";
	}
	if (!wrong) {
		stream->good = true;
		cJSON_AddItemToArray(stream->queue, event);
		return;
	}
	break_connection(stream, 0, wrong);
	cJSON_Delete(event);
}

/* A turn that was over before the stream was open has left nothing for it: the list is
 * looked at now. Should the API send the head before it has opened the stream, the later
 * looks find the rest. */
static void look_now(struct agent_stream *stream)
{
	if (stream->headed && stream->state == AGENT_STREAM_CONNECTING &&
		stream->look_ns)
		stream->look_ns = clock_now();
}

static void on_head(struct agent_stream *stream)
{
	stream->headed = true;
	look_now(stream);
	wake(stream);
}

/* Runs inside curl: only takes in the data. */
static void on_data(void *arg, const char *data, size_t len)
{
	struct agent_stream *stream = arg;
	bool expecting = stream->expected != EXPECT_NOTHING;

	if (len == 0) {
		on_head(stream);
		return;
	}
	if (stream->state == AGENT_STREAM_CONNECTING && expecting)
		stream->backfill_due = true;
	enter(stream, AGENT_STREAM_OPEN);
	stream->received_ns = clock_now();
	if (!stream->broken && !sse_feed(&stream->sse, data, len))
		break_connection(stream, 0, "an event is larger than 1 MiB");
	stream->backfill_due |= expecting && stream->sse.odd;
	stream->sse.odd = false;
	wake(stream);
}

static void on_end(void *arg, const struct fetch_result *result)
{
	struct agent_stream *stream = arg;
	SCOPED(mem_free) char *why = agent_http_error_text(stream->http, result);

	stream->get = NULL;
	if (result->end == FETCH_ANSWERED && result->status / 100 == 2)
		break_connection(stream, 0, "the server ended it");
	else
		break_connection(stream, result->status, why);
}

static void connect_stream(struct agent_stream *stream)
{
	struct err err;

	enter(stream, AGENT_STREAM_CONNECTING);
	stream->connect_ns = 0;
	stream->began_ns = clock_now();
	stream->headed = stream->good = false;
	sse_reset(&stream->sse);
	stream->get = agent_http_stream(
		stream->http, stream->session_id, on_data, on_end, stream, &err);
	if (!stream->get)
		break_connection(stream, 0, err.text);
}

static void plan_look(struct agent_stream *stream)
{
	stream->look_ns = 0;
	if (stream->expected == EXPECT_EVENTS && !is_queue_held(stream))
		stream->look_ns = clock_now() +
			(stream->state == AGENT_STREAM_OPEN
					? SILENCE_NS
					: backoff_next(&stream->look));
}

static void lose(struct agent_stream *stream, const char *why)
{
	enter(stream, AGENT_STREAM_LOST);
	agent_backfill_cancel(stream->backfill);
	stream->backfill = NULL;
	uv_timer_stop(&stream->timer);
	stream->events->lost(stream->arg, stream->status == 404, why);
}

static void after_break(struct agent_stream *stream)
{
	SCOPED(mem_free) char *why = stream->broken;
	int64_t now_ns = clock_now();
	bool aged = now_ns - stream->began_ns >= GOOD_AGE_NS;
	bool refused = stream->status / 100 == 4 && stream->status != 408 &&
		stream->status != 429;

	stream->broken = NULL;
	if (stream->get)
		fetch_cancel(stream->get);
	stream->get = NULL;
	enter(stream, AGENT_STREAM_PAUSED);
	if ((stream->good || aged) && !stream->backfill_failed) {
		stream->bad_since_ns = 0;
		stream->pause = (struct backoff){FIRST_PAUSE_NS, MAX_PAUSE_NS};
	}
	if (stream->bad_since_ns == 0)
		stream->bad_since_ns = now_ns;
	if (refused || stream->last || now_ns - stream->bad_since_ns >= GIVE_UP_NS) {
		lose(stream, why);
		return;
	}
	stream->connect_ns =
		now_ns + agent_http_spread(stream->http, backoff_next(&stream->pause));
	plan_look(stream);
}

/* The missing events go in front of those that the stream received meanwhile. */
static void on_backfill(void *arg, cJSON *events, const struct agent_response *response)
{
	struct agent_stream *stream = arg;
	bool silent = clock_now() - stream->received_ns >= SILENCE_NS;
	cJSON *event;

	stream->backfill = NULL;
	stream->backfill_failed = response->why != NULL;
	if (response->why)
		break_connection(
			stream, response->status == 404 ? 404 : 0, response->why);
	else if (stream->state == AGENT_STREAM_OPEN && silent && events &&
		events->child)
		break_connection(stream, 0, "it is silent about events");
	while (events && (event = cJSON_DetachItemFromArray(stream->queue, 0)))
		cJSON_AddItemToArray(events, event);
	if (events) {
		cJSON_Delete(stream->queue);
		stream->queue = events;
	}
	plan_look(stream);
	wake(stream);
}

static void start_backfill(struct agent_stream *stream)
{
	/* events before the message are never reported */
	static const struct agent_backfill_events events = {
		.known = was_seen, .older = note_seen, .done = on_backfill};

	stream->backfill_due = false;
	stream->look_ns = 0;
	stream->backfill = agent_backfill_start(
		stream->http, stream->session_id, stream->after_id, &events, stream);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_stream *stream = timer->data;
	int64_t now_ns = clock_now();
	int64_t silence_ns = stream->received_ns + SILENCE_NS;

	stream->due = false;
	if (stream->look_ns && stream->look_ns <= now_ns) {
		bool silent =
			stream->state != AGENT_STREAM_OPEN || silence_ns <= now_ns;

		stream->backfill_due |= silent;
		stream->look_ns = silent ? 0 : silence_ns;
	}
	/* a backfill that began before the stream was open does not have all */
	if (stream->backfill_due && !stream->backfill &&
		stream->expected != EXPECT_ACCEPTANCE)
		start_backfill(stream);
	report_queue(stream);
	if (stream->state == AGENT_STREAM_CLOSED)
		return;
	if (stream->broken && !stream->queue->child)
		after_break(stream);
	else if (stream->connect_ns && stream->connect_ns <= now_ns)
		connect_stream(stream);
	set_timer(stream);
}

struct agent_stream *agent_stream_open(struct agent_http *http, const char *session_id,
	const struct agent_stream_events *events, void *arg)
{
	struct agent_stream *stream = mem_zeroed(sizeof *stream);

	stream->http = http;
	stream->events = events;
	stream->arg = arg;
	stream->session_id = mem_text(session_id);
	stream->queue = cJSON_CreateArray();
	stream->pause = (struct backoff){FIRST_PAUSE_NS, MAX_PAUSE_NS};
	sse_init(&stream->sse, EVENT_CEILING, on_event, stream);
	uv_timer_init(agent_http_loop(http), &stream->timer);
	stream->timer.data = stream;
	connect_stream(stream);
	return stream;
}

void agent_stream_expect(struct agent_stream *stream)
{
	stream->expected = EXPECT_ACCEPTANCE;
	stream->look = (struct backoff){FIRST_LOOK_NS, MAX_LOOK_NS};
}

void agent_stream_expect_after(struct agent_stream *stream, const char *message_id)
{
	if (stream->expected == EXPECT_ACCEPTANCE)
		stream->expected = EXPECT_EVENTS;
	free(stream->after_id);
	stream->after_id = mem_text(message_id);
	plan_look(stream);
	look_now(stream);
	wake(stream);
}

void agent_stream_expect_nothing(struct agent_stream *stream)
{
	stream->expected = EXPECT_NOTHING;
	stream->backfill_due = false;
	stream->look_ns = 0;
	wake(stream);
}

void agent_stream_stop_reconnecting(struct agent_stream *stream)
{
	stream->last = true;
	stream->connect_ns = 0;
	if (!stream->get)
		break_connection(stream, 0, "it is not open");
}

bool agent_stream_is_open(const struct agent_stream *stream)
{
	return stream->state == AGENT_STREAM_OPEN;
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_stream *stream = handle->data;

	sse_done(&stream->sse);
	free(stream->seen);
	cJSON_Delete(stream->queue);
	free(stream->after_id);
	free(stream->broken);
	free(stream->session_id);
	free(stream);
}

void agent_stream_close(struct agent_stream *stream)
{
	if (!stream)
		return;
	enter(stream, AGENT_STREAM_CLOSED);
	if (stream->get)
		fetch_cancel(stream->get);
	agent_backfill_cancel(stream->backfill);
	uv_close((uv_handle_t *)&stream->timer, on_closed);
}

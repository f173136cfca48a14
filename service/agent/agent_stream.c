#include "service/agent/agent_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/agent/agent_backfill.h"
#include "service/agent/sse.h"

#define EVENT_CEILING ((size_t)1 << 20)
#define QUEUE_CEILING ((size_t)16 << 20)
#define SEEN_MAX      512 /* ids that are remembered */

#define FIRST_PAUSE_NS (500 * CLOCK_MS) /* before the connection is made again */
#define LAST_PAUSE_NS  (10 * CLOCK_S)
#define GOOD_AGE_NS    LAST_PAUSE_NS  /* a connection this old was a good one */
#define GIVE_UP_NS     (60 * CLOCK_S) /* without a good connection */
#define FIRST_LOOK_NS  (5 * CLOCK_MS) /* into the list, while nothing was heard yet */
#define LAST_LOOK_NS   (2 * CLOCK_S)
#define SILENCE_NS     (15 * CLOCK_S) /* of a connection that was heard */
#define LIST_NS        (15 * CLOCK_S) /* deadline of a page */

struct agent_stream {
	struct agent_http *wire;
	const struct agent_stream_events *events;
	void *arg;
	char *path; /* of the session's events */
	uv_timer_t timer;
	bool closed;
	bool over;    /* `lost` was called */
	bool settled; /* the next end is the last */

	/* the connection */
	struct fetch_call *get;
	struct sse sse;
	int64_t began_ns;
	int64_t heard_ns;
	bool heard;           /* so it is open: from here on it misses nothing */
	bool good;            /* a whole event came */
	char *broken;         /* why it must be cut, or has ended */
	long status;          /* with `broken`: the HTTP error that says so, or 0 */
	int64_t connect_ns;   /* when to make it again; 0: not now */
	int64_t pause_ns;     /* before that */
	int64_t bad_since_ns; /* 0: the last one was good */

	/* what was missed */
	struct agent_backfill *missed; /* is being asked for */
	bool missing;                  /* it must be asked for */
	bool unlisted;                 /* asking failed */
	bool expecting;
	bool unmarked;   /* what is expected has no id yet */
	char *mark;      /* it comes after this id */
	int64_t look_ns; /* when to ask without a reason; 0: not now */
	int64_t look_pause_ns;

	/* what is to be handed over */
	cJSON *queue;
	size_t queued; /* bytes */
	bool fresh;    /* there is something to do in the loop's next turn */
	uint64_t seen[SEEN_MAX];
	unsigned seen_count;
};

static void on_timer(uv_timer_t *timer);

/* The older ones, which are still asked for, come first. */
static bool holds_queue(const struct agent_stream *stream)
{
	return stream->missed || stream->missing;
}

/* Whatever leaves something to do ends here. */
static void set_timer(struct agent_stream *stream)
{
	int64_t due_ns = stream->connect_ns;

	if (stream->closed || stream->over)
		return;
	if (due_ns == 0 || (stream->look_ns && stream->look_ns < due_ns))
		due_ns = stream->look_ns;
	if (stream->fresh)
		due_ns = clock_now();
	if (due_ns)
		uv_timer_start(
			&stream->timer, on_timer, clock_ms_up(due_ns - clock_now()), 0);
	else
		uv_timer_stop(&stream->timer);
}

static void wake(struct agent_stream *stream)
{
	stream->fresh = true;
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

	stream->seen[stream->seen_count++ % SEEN_MAX] = hash_text(HASH_BASIS, id);
}

static void hand_over(struct agent_stream *stream, const cJSON *event)
{
	const char *id = json_text(event, "id");
	const char *type = json_text(event, "type");

	if (!type || (id && was_seen(stream, id)))
		return;
	if (id)
		note_seen(stream, id);
	stream->events->event(stream->arg, type, event);
}

static void hand_over_queue(struct agent_stream *stream)
{
	cJSON *event;

	while (!stream->closed && !holds_queue(stream) &&
		(event = cJSON_DetachItemFromArray(stream->queue, 0))) {
		hand_over(stream, event);
		cJSON_Delete(event);
	}
	if (!stream->queue->child)
		stream->queued = 0;
}

/* The first reason counts. */
static void cut(struct agent_stream *stream, long status, const char *why)
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
	cJSON *event;

	if (strcmp(name, "ping") == 0) {
		stream->good = true;
		return;
	}
	event = json_parse(data, len);
	stream->queued += len;
	if (!cJSON_IsObject(event)) {
		cut(stream, 0, "an event is not JSON");
	} else if (strcmp(name, "error") == 0) {
		const char *said = json_text(json_get(event, "error"), "message");

		cut(stream, 0, said ? said : "the server reports an error");
	} else if (stream->queued > QUEUE_CEILING) {
		cut(stream, 0, "too many events at once");
	} else {
		stream->good = true;
		cJSON_AddItemToArray(stream->queue, event);
		return;
	}
	cJSON_Delete(event);
}

/* From inside curl: only takes note of what there is. */
static void on_data(void *arg, const char *data, size_t len)
{
	struct agent_stream *stream = arg;

	if (!stream->heard && stream->expecting)
		stream->missing = true;
	stream->heard = true;
	stream->heard_ns = clock_now();
	if (!stream->broken && !sse_feed(&stream->sse, data, len))
		cut(stream, 0, "an event is larger than 1 MiB");
	stream->missing |= stream->expecting && stream->sse.odd;
	stream->sse.odd = false;
	wake(stream);
}

static void on_end(void *arg, const struct fetch_result *result)
{
	struct agent_stream *stream = arg;
	SCOPED(mem_free) char *words = agent_http_words(stream->wire, result);

	stream->get = NULL;
	if (result->end == FETCH_ANSWERED && result->status / 100 == 2)
		cut(stream, 0, "the server ended it");
	else
		cut(stream, result->status, words);
}

static void connect_stream(struct agent_stream *stream)
{
	SCOPED(mem_free) char *path = mem_textf("%s/stream", stream->path);
	struct err err;

	stream->connect_ns = 0;
	stream->began_ns = clock_now();
	stream->heard = stream->good = false;
	sse_reset(&stream->sse);
	stream->get =
		agent_http_stream(stream->wire, path, on_data, on_end, stream, &err);
	if (!stream->get)
		cut(stream, 0, err.text);
}

/* When to ask what was missed, should nothing be heard until then. */
static void plan_look(struct agent_stream *stream)
{
	stream->look_ns = 0;
	if (!stream->expecting || stream->unmarked || holds_queue(stream))
		return;
	if (stream->heard) {
		stream->look_ns = clock_now() + SILENCE_NS;
		return;
	}
	stream->look_ns = clock_now() + stream->look_pause_ns;
	stream->look_pause_ns *= 2;
	if (stream->look_pause_ns > LAST_LOOK_NS)
		stream->look_pause_ns = LAST_LOOK_NS;
}

static void lose(struct agent_stream *stream, const char *why)
{
	stream->over = true;
	agent_backfill_cancel(stream->missed);
	stream->missed = NULL;
	uv_timer_stop(&stream->timer);
	stream->events->lost(stream->arg, stream->status == 404, why);
}

/* The connection has ended, or must: what comes after it? */
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
	stream->heard = false;
	if ((stream->good || aged) && !stream->unlisted) {
		stream->bad_since_ns = 0;
		stream->pause_ns = FIRST_PAUSE_NS;
	}
	if (stream->bad_since_ns == 0)
		stream->bad_since_ns = now_ns;
	if (refused || stream->settled || now_ns - stream->bad_since_ns >= GIVE_UP_NS) {
		lose(stream, why);
		return;
	}
	stream->connect_ns = now_ns + agent_http_spread(stream->wire, stream->pause_ns);
	stream->pause_ns *= 2;
	if (stream->pause_ns > LAST_PAUSE_NS)
		stream->pause_ns = LAST_PAUSE_NS;
	plan_look(stream);
}

/* What was missed goes in front of what the stream brought meanwhile. */
static void on_missed(
	void *arg, cJSON *events, const struct agent_http_response *answer)
{
	struct agent_stream *stream = arg;
	bool silent = clock_now() - stream->heard_ns >= SILENCE_NS;
	cJSON *event;

	stream->missed = NULL;
	stream->unlisted = answer->why != NULL;
	if (answer->why)
		cut(stream, answer->status == 404 ? 404 : 0, answer->why);
	else if (stream->heard && silent && events && events->child)
		cut(stream, 0, "it is silent about events");
	while ((event = cJSON_DetachItemFromArray(stream->queue, 0))) {
		if (!events)
			events = cJSON_CreateArray();
		cJSON_AddItemToArray(events, event);
	}
	if (events) {
		cJSON_Delete(stream->queue);
		stream->queue = events;
	}
	plan_look(stream);
	wake(stream);
}

static void ask_missed(struct agent_stream *stream)
{
	struct agent_backfill_query query = {
		.path = stream->path,
		.first_id = stream->mark,
		.request_ns = LIST_NS,
		.known = was_seen,
		/* what came before our message is told by nobody any more */
		.older = note_seen,
		.done = on_missed,
		.arg = stream,
	};

	stream->missing = false;
	stream->look_ns = 0;
	stream->missed = agent_backfill_ask(stream->wire, &query);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_stream *stream = timer->data;
	int64_t now_ns = clock_now();
	int64_t silence_ns = stream->heard_ns + SILENCE_NS;

	stream->fresh = false;
	if (stream->look_ns && stream->look_ns <= now_ns) {
		bool late = !stream->heard || silence_ns <= now_ns;

		stream->missing |= late;
		stream->look_ns = late ? 0 : silence_ns;
	}
	/* what was asked for before the stream was open does not tell all */
	if (stream->missing && !stream->missed && !stream->unmarked)
		ask_missed(stream);
	hand_over_queue(stream);
	if (stream->closed)
		return;
	if (stream->broken && !stream->queue->child)
		after_break(stream);
	else if (stream->connect_ns && stream->connect_ns <= now_ns)
		connect_stream(stream);
	set_timer(stream);
}

struct agent_stream *agent_stream_open(struct agent_http *wire, const char *session_id,
	const struct agent_stream_events *events, void *arg)
{
	struct agent_stream *stream = mem_zeroed(sizeof *stream);

	stream->wire = wire;
	stream->events = events;
	stream->arg = arg;
	stream->path = agent_http_path(session_id, "/events");
	stream->queue = cJSON_CreateArray();
	stream->pause_ns = FIRST_PAUSE_NS;
	sse_init(&stream->sse, EVENT_CEILING, on_event, stream);
	uv_timer_init(agent_http_loop(wire), &stream->timer);
	stream->timer.data = stream;
	connect_stream(stream);
	return stream;
}

void agent_stream_expect(struct agent_stream *stream)
{
	stream->expecting = stream->unmarked = true;
	stream->look_pause_ns = FIRST_LOOK_NS;
}

void agent_stream_mark(struct agent_stream *stream, const char *after_id)
{
	stream->unmarked = false;
	free(stream->mark);
	stream->mark = mem_text(after_id);
	plan_look(stream);
	wake(stream);
}

void agent_stream_rest(struct agent_stream *stream)
{
	stream->expecting = stream->unmarked = stream->missing = false;
	stream->look_ns = 0;
	wake(stream);
}

void agent_stream_settle(struct agent_stream *stream)
{
	stream->settled = true;
	stream->connect_ns = 0;
	if (!stream->get)
		cut(stream, 0, "it is not open");
}

bool agent_stream_hears(const struct agent_stream *stream)
{
	return stream->heard;
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_stream *stream = handle->data;

	sse_done(&stream->sse);
	cJSON_Delete(stream->queue);
	free(stream->mark);
	free(stream->broken);
	free(stream->path);
	free(stream);
}

void agent_stream_close(struct agent_stream *stream)
{
	if (!stream)
		return;
	stream->closed = true;
	if (stream->get)
		fetch_cancel(stream->get);
	agent_backfill_cancel(stream->missed);
	uv_close((uv_handle_t *)&stream->timer, on_closed);
}

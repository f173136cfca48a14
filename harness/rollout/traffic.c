#include "harness/rollout/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/answer.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define BACKEND_HEADER "X-Backend"
#define BACKENDS_MAX   UINT16_MAX

struct traffic_client {
	struct traffic *traffic;
	unsigned number; /* from 1 */
	bool reuses;     /* its connection */
	char *url, *body;
	struct strlist headers;
	struct fetch_call *call; /* NULL: none is under way */
	struct loop_timer *pause;
	int64_t sent_ns; /* of the request that is under way */
	unsigned repeats;
	bool flows; /* it has had a good answer */
};

struct traffic {
	const struct load_request_part *part;
	const char *method;
	struct fetch *fetch; /* one pool: who keeps a connection finds it there */
	struct traffic_client *clients;
	unsigned count, flowing, under_way;
	bool holding;
	int64_t began_ns;
	struct traffic_record *records;
	unsigned record_count, record_room, dropped;
	struct strlist backends;
	char *first[TRAFFIC_CLASSES];
};

/* --- the records --- */

/* Its number, from 1; 0: it is told no more. */
static uint16_t number_of_backend(struct traffic *traffic, const char *address)
{
	struct strlist *backends = &traffic->backends;

	if (!address)
		return 0;
	/* Those of now are the newest. */
	for (unsigned i = backends->count; i > 0; i--)
		if (strcmp(backends->item[i - 1], address) == 0)
			return (uint16_t)i;
	if (backends->count == BACKENDS_MAX)
		return 0;
	strlist_add(backends, "%s", address);
	return (uint16_t)backends->count;
}

static void add_record(struct traffic *traffic, const struct traffic_record *record)
{
	if (traffic->record_count == TRAFFIC_RECORDS_MAX) {
		traffic->dropped++;
		return;
	}
	if (traffic->record_count == traffic->record_room) {
		traffic->record_room =
			traffic->record_room ? 2 * traffic->record_room : 1024;
		traffic->records = mem_grown(traffic->records, traffic->record_room,
			sizeof *traffic->records);
	}
	traffic->records[traffic->record_count++] = *record;
}

/* "client 3 at 1.24s, reused connection: HTTP 502, wanted 2xx" */
static char *words_of(const struct traffic_client *client,
	const struct fetch_result *result, enum traffic_class class)
{
	const struct traffic *traffic = client->traffic;
	long wanted = (long)traffic->part->status;
	SCOPED(mem_free) char *why = answer_why(result, wanted);
	const char *connection =
		result->reused ? "reused connection" : "new connection";
	const int64_t at_ns = client->sent_ns - traffic->began_ns;

	if (class == TRAFFIC_LOST && result->end == FETCH_ANSWERED) {
		free(why);
		why = mem_textf(
			"the answer ended without \"%.80s\"", traffic->part->contains);
	}
	return mem_textf("client %u at %s, %s: %s", client->number,
		CLOCK_TEXT(at_ns - at_ns % CLOCK_MS), connection, why);
}

static void note_first(const struct traffic_client *client,
	const struct fetch_result *result, enum traffic_class class)
{
	char **first = &client->traffic->first[class];

	if (class != TRAFFIC_FINISHED && !*first)
		*first = words_of(client, result, class);
}

/* --- one request --- */

static void send_request(struct traffic_client *client);

static bool contains(const struct buf *body, const char *text)
{
	return !text ||
		(body->len > 0 && memmem(body->data, body->len, text, strlen(text)));
}

static enum traffic_class class_of(
	const struct traffic_client *client, const struct fetch_result *result)
{
	const struct load_request_part *part = client->traffic->part;
	const struct fetch_call *call = client->call;

	return traffic_class_of(result, (long)part->status,
		(struct traffic_answer){
			.has_retry_after = call && fetch_header(call, "Retry-After"),
			.is_complete = contains(result->body, part->contains),
		});
}

static void end_request(
	struct traffic_client *client, const struct fetch_result *result)
{
	struct traffic *traffic = client->traffic;
	enum traffic_class class = class_of(client, result);
	const char *backend =
		client->call ? fetch_header(client->call, BACKEND_HEADER) : NULL;

	note_first(client, result, class);
	add_record(traffic,
		&(struct traffic_record){
			.sent_ns = client->sent_ns,
			.ended_ns = result->ended_ns,
			.class = (uint8_t) class,
			.repeats =
				(uint8_t)(client->repeats < UINT8_MAX ? client->repeats
								      : UINT8_MAX),
			.reused = result->reused,
			.status = (uint16_t)result->status,
			.backend = number_of_backend(traffic, backend),
		});
	client->call = NULL;
	traffic->under_way--;
	if (class == TRAFFIC_FINISHED && !client->flows) {
		client->flows = true;
		traffic->flowing++;
	}
	if (!traffic->holding)
		loop_timer_set(client->pause, traffic->part->pause_ns);
}

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct traffic_client *client = arg;

	/* Each repeat uses up a connection of the pool, the last one opens its own. */
	if (traffic_may_repeat(result, client->traffic->method)) {
		client->repeats++;
		send_request(client);
		return;
	}
	end_request(client, result);
}

static void send_request(struct traffic_client *client)
{
	static const char *const heads[] = {"Retry-After", BACKEND_HEADER, NULL};
	struct traffic *traffic = client->traffic;
	struct err err = {0};

	client->call = fetch_start(traffic->fetch,
		&(struct fetch_request){
			.method = traffic->method,
			.url = client->url,
			.headers = (const char *const *)client->headers.item,
			.body = client->body,
			.body_len = client->body ? strlen(client->body) : 0,
			.timeout_ns = traffic->part->within_ns,
			.heads = heads,
			.done = on_answer,
			.arg = client,
			.fresh = !client->reuses,
		},
		&err);
	if (!client->call) {
		const struct buf nothing = {0};

		end_request(client,
			&(struct fetch_result){
				.end = FETCH_FAILED,
				.why = err.text,
				.body = &nothing,
				.ended_ns = clock_now(),
			});
	}
}

static void on_pause_end(void *arg)
{
	struct traffic_client *client = arg;

	client->sent_ns = clock_now();
	client->repeats = 0;
	client->traffic->under_way++;
	send_request(client);
}

/* --- the clients --- */

/* Of a rollout "auto" is both. */
static bool reuses(const struct load_request_part *part, unsigned number)
{
	return part->connections == LOAD_CONNECTIONS_AUTO
		? number % 2 == 0
		: load_request_reuses(part, number);
}

static void set_up_client(
	struct traffic *traffic, unsigned number, uv_loop_t *loop, const char *base)
{
	struct traffic_client *client = &traffic->clients[number - 1];
	const struct load_request_part *part = traffic->part;
	SCOPED(mem_free) char *path = load_request_fill(part->path, number);

	client->traffic = traffic;
	client->number = number;
	client->reuses = reuses(part, number);
	client->url = mem_textf("%s%s", base, path);
	client->body = load_request_fill(part->body, number);
	load_request_fill_headers(part, number, &client->headers);
	client->pause = loop_timer_create(loop, on_pause_end, client);
}

struct traffic *traffic_create(uv_loop_t *loop, const struct load_request_part *part,
	const char *base, struct err *err)
{
	struct traffic *traffic = mem_zeroed(sizeof *traffic);

	traffic->part = part;
	traffic->method = part->method ? part->method : part->body ? "POST" : "GET";
	traffic->fetch = fetch_create(loop, (unsigned)part->concurrency, err);
	if (!traffic->fetch) {
		traffic_destroy(traffic);
		return NULL;
	}
	traffic->count = (unsigned)part->concurrency;
	traffic->clients = mem_zeroed(traffic->count * sizeof *traffic->clients);
	for (unsigned i = 1; i <= traffic->count; i++)
		set_up_client(traffic, i, loop, base);
	return traffic;
}

void traffic_destroy(struct traffic *traffic)
{
	if (!traffic)
		return;
	fetch_destroy(traffic->fetch);
	for (unsigned i = 0; i < traffic->count; i++) {
		struct traffic_client *client = &traffic->clients[i];

		loop_timer_destroy(client->pause);
		free(client->url);
		free(client->body);
		strlist_done(&client->headers);
	}
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++)
		free(traffic->first[i]);
	strlist_done(&traffic->backends);
	free(traffic->clients);
	free(traffic->records);
	free(traffic);
}

void traffic_begin(struct traffic *traffic)
{
	traffic->began_ns = clock_now();
	for (unsigned i = 0; i < traffic->count; i++)
		on_pause_end(&traffic->clients[i]);
}

void traffic_hold(struct traffic *traffic)
{
	traffic->holding = true;
	for (unsigned i = 0; i < traffic->count; i++)
		loop_timer_stop(traffic->clients[i].pause);
}

bool traffic_is_quiet(const struct traffic *traffic)
{
	return traffic->under_way == 0;
}

bool traffic_flows(const struct traffic *traffic)
{
	return traffic->flowing == traffic->count;
}

const struct traffic_record *traffic_records(
	const struct traffic *traffic, unsigned *count)
{
	*count = traffic->record_count;
	return traffic->records;
}

unsigned traffic_dropped(const struct traffic *traffic)
{
	return traffic->dropped;
}

const char *traffic_backend(const struct traffic *traffic, unsigned backend)
{
	return backend ? traffic->backends.item[backend - 1] : NULL;
}

const char *traffic_first(const struct traffic *traffic, enum traffic_class class)
{
	return traffic->first[class];
}

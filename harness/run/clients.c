#include "harness/run/clients.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/answer.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

struct client {
	struct clients *owner;
	unsigned number;         /* from 1 */
	unsigned request;        /* index in the evidence */
	struct fetch_call *call; /* NULL: none is under way */
	struct loop_timer *pause;
	bool answered;   /* since clients_begin() or clients_hold() */
	bool over;       /* a request went wrong */
	bool heard;      /* the first bytes of a good answer have come */
	bool found;      /* the answer has the text that it is to contain */
	struct buf tail; /* end of the answer, shorter than that text */
};

struct clients {
	const struct load_request_part *part;
	struct evidence *evidence;
	char *base;
	struct fetch *fetch;
	struct client *client;
	unsigned count;
	bool holding;
	char *trouble;
};

/* --- one answer --- */

static void search(struct client *client, const char *data, size_t len)
{
	const char *text = client->owner->part->contains;
	size_t text_len = text ? strlen(text) : 0;
	struct buf *tail = &client->tail;
	size_t kept;

	if (!text || client->found)
		return;
	buf_add(tail, data, len);
	client->found = tail->len > 0 && memmem(tail->data, tail->len, text, text_len);
	kept = tail->len < text_len ? tail->len : text_len - 1;
	buf_drop(tail, tail->len - kept);
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct client *client = arg;

	client->heard = true;
	search(client, data, len);
}

/* An answer that is cut, or whose end says nothing, is no whole one. */
static enum request_end end_of(
	struct client *client, const struct fetch_result *result, char **why)
{
	const struct load_request_part *part = client->owner->part;
	enum request_end end = answer_end(result, (long)part->status);

	if (end != REQUEST_ANSWERED) {
		*why = answer_why(result, (long)part->status);
		return end;
	}
	search(client, result->body->data, result->body->len);
	if (part->contains && !client->found) {
		*why = mem_textf("the answer ended without \"%.80s\"", part->contains);
		return REQUEST_BROKEN;
	}
	if (!part->contains && result->unframed && client->owner->evidence->loaded_ns) {
		*why = mem_text("no length, no chunks: its end looks like a cut");
		return REQUEST_UNPROVEN;
	}
	return REQUEST_ANSWERED;
}

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct client *client = arg;
	struct clients *clients = client->owner;
	struct load_request *request = &clients->evidence->requests[client->request];
	char *why = NULL;

	client->call = NULL;
	client->answered = true;
	request->ended_ns = result->ended_ns;
	request->status = result->status;
	request->end = end_of(client, result, &why);
	if (why) {
		request->why = mem_textf("client %u: %s", client->number, why);
		client->over = true;
		free(why);
		if (!clients->trouble)
			clients->trouble = mem_text(request->why);
	} else if (!clients->holding) {
		loop_timer_set(client->pause, clients->part->pause_ns);
	}
}

/* --- requests --- */

static void send_request(void *arg)
{
	struct client *client = arg;
	struct clients *clients = client->owner;
	const struct load_request_part *part = clients->part;
	struct load_request *request = &clients->evidence->requests[client->request];
	SCOPED(strlist_done) struct strlist headers = {0};
	SCOPED(mem_free) char *path = load_request_fill(part->path, client->number);
	SCOPED(mem_free) char *url = mem_textf("%s%s", clients->base, path);
	SCOPED(mem_free) char *body = load_request_fill(part->body, client->number);
	struct err err = {0};

	load_request_fill_headers(part, client->number, &headers);
	client->heard = client->found = false;
	buf_clear(&client->tail);
	request->end = REQUEST_PENDING;
	request->sent_ns = clock_now();
	request->ended_ns = 0;
	client->call = fetch_start(clients->fetch,
		&(struct fetch_request){
			.method = part->method,
			.url = url,
			.headers = (const char *const *)headers.item,
			.body = body,
			.body_len = body ? strlen(body) : 0,
			.timeout_ns = part->within_ns,
			.data = on_data,
			.done = on_answer,
			.arg = client,
			.fresh = !load_request_reuses(part, client->number),
		},
		&err);
	if (!client->call) {
		const struct buf nothing = {0};

		on_answer(client,
			&(struct fetch_result){
				.end = FETCH_FAILED,
				.why = err.text,
				.body = &nothing,
				.ended_ns = clock_now(),
			});
	}
}

/* --- all of them --- */

struct clients *clients_create(uv_loop_t *loop, const struct load_request_part *part,
	const char *base, struct evidence *evidence, struct err *err)
{
	struct clients *clients = mem_zeroed(sizeof *clients);

	clients->part = part;
	clients->evidence = evidence;
	clients->base = mem_text(base);
	clients->fetch = fetch_create(loop, (unsigned)part->concurrency, err);
	if (!clients->fetch) {
		clients_destroy(clients);
		return NULL;
	}
	clients->count = (unsigned)part->concurrency;
	clients->client = mem_zeroed(clients->count * sizeof *clients->client);
	for (unsigned i = 0; i < clients->count; i++) {
		struct client *client = &clients->client[i];

		client->owner = clients;
		client->number = i + 1;
		client->pause = loop_timer_create(loop, send_request, client);
	}
	return clients;
}

void clients_begin(struct clients *clients)
{
	for (unsigned i = 0; i < clients->count; i++) {
		struct client *client = &clients->client[i];

		client->request = evidence_add_request(
			clients->evidence, REQUEST_HTTP, 0, NULL, NULL);
		clients->evidence->requests[client->request].client = client->number;
		send_request(client);
	}
}

void clients_hold(struct clients *clients, bool last)
{
	clients->holding = true;
	for (unsigned i = 0; i < clients->count; i++) {
		struct client *client = &clients->client[i];

		loop_timer_stop(client->pause);
		client->answered = false;
		if (last && !client->call && !client->over)
			send_request(client);
	}
}

bool clients_are_under_way(const struct clients *clients)
{
	for (unsigned i = 0; i < clients->count; i++) {
		const struct client *client = &clients->client[i];
		bool is_under_way = client->call &&
			(clients->part->stream ? client->heard
					       : fetch_is_sent(client->call));

		if (!is_under_way && !client->answered)
			return false;
	}
	return true;
}

const char *clients_trouble(const struct clients *clients)
{
	return clients->trouble;
}

void clients_destroy(struct clients *clients)
{
	if (!clients)
		return;
	fetch_destroy(clients->fetch);
	for (unsigned i = 0; i < clients->count; i++) {
		loop_timer_destroy(clients->client[i].pause);
		buf_done(&clients->client[i].tail);
	}
	free(clients->client);
	free(clients->base);
	free(clients->trouble);
	free(clients);
}

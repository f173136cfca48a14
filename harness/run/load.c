#include "harness/run/load.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/answer.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/mem.h"

#define OPENING_MAX 1000 /* curl has a handle and a buffer for each */

/* One request under way. */
struct load_call {
	struct load *load;
	struct load_call *next;
	struct fetch_call *fetch; /* NULL: over */
	unsigned request;         /* index in the evidence */
};

struct load *load_create(uv_loop_t *loop, const struct scenario *scenario,
	const char *base, const char *agent_url, struct evidence *evidence,
	struct err *err)
{
	struct load *load = mem_zeroed(sizeof *load);
	unsigned idle = (unsigned)scenario->load.idle_connections;

	load->scenario = scenario;
	load->evidence = evidence;
	load->base = mem_text(base);
	load->agent_url = mem_text(agent_url ? agent_url : "");
	load->webhooks = fetch_create(loop, 1, err);
	load->idle = load->webhooks ? fetch_create(loop, idle + 1, err) : NULL;
	if (!load->idle) {
		load_destroy(load);
		return NULL;
	}
	return load;
}

/* What is replaced in a request's path and body; every other brace stays, so JSON needs
 * no escapes. */
struct filling {
	const char *name; /* "{room}" */
	const char *value;
};

static char *fill(const char *text, const struct filling *fillings, size_t count)
{
	struct buf out = {0};

	buf_adds(&out, "");
	while (*text) {
		size_t i = 0;

		while (i < count &&
			strncmp(text, fillings[i].name, strlen(fillings[i].name)) != 0)
			i++;
		if (i < count)
			buf_adds(&out, fillings[i].value);
		else
			buf_add(&out, text, 1);
		text += i < count ? strlen(fillings[i].name) : 1;
	}
	return buf_take(&out);
}

static void note_answer(struct load *load, struct load_request *request,
	const struct fetch_result *result)
{
	long wanted = request->kind == REQUEST_IDLE
		? result->status /* any answer makes a connection that idles */
		: (long)load->scenario->service.session.status;
	SCOPED(mem_free) char *why = NULL;

	request->ended_ns = result->ended_ns;
	request->status = result->status;
	request->end = answer_end(result, wanted);
	request->has_reply = answer_has_reply(result);
	load->ended[request->kind]++;
	if (request->end == REQUEST_ANSWERED)
		return;
	why = answer_why(result, wanted);
	request->why = mem_textf("session %u: %s", request->session, why);
	if (!load->trouble[request->kind])
		load->trouble[request->kind] = mem_text(request->why);
}

static void open_next(struct load *load);

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct load_call *call = arg;
	struct load *load = call->load;
	struct load_request *request = &load->evidence->requests[call->request];
	bool opens = request->kind == REQUEST_OPEN;

	call->fetch = NULL;
	note_answer(load, request, result);
	if (opens)
		open_next(load);
}

static void fire(struct load *load, struct fetch *fetch, unsigned index,
	struct fetch_request *request)
{
	struct load_call *call = mem_zeroed(sizeof *call);
	struct err err = {0};

	call->load = load;
	call->request = index;
	call->next = load->calls;
	load->calls = call;
	request->timeout_ns = load->scenario->service.session.within_ns;
	request->done = on_answer;
	request->arg = call;
	call->fetch = fetch_start(fetch, request, &err);
	if (!call->fetch) {
		const struct buf nothing = {0};
		struct fetch_result failed = {
			.end = FETCH_FAILED,
			.why = err.text,
			.body = &nothing,
			.ended_ns = clock_now(),
		};

		on_answer(call, &failed);
	}
}

static void send_webhook(struct load *load, enum request_kind kind, unsigned session)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	const struct session_request *how = &load->scenario->service.session;
	const char *bot =
		how->bots.count ? how->bots.item[(session - 1) % how->bots.count] : "";
	SCOPED(mem_free) char *room = mem_textf("%u", session);
	const struct filling fillings[] = {
		{"{n}", room},
		{"{room}", room},
		{"{bot}", bot},
		{"{agent_url}", load->agent_url},
	};
	SCOPED(mem_free) char *path = fill(how->path, fillings, COUNT(fillings));
	SCOPED(mem_free) char *body = fill(how->body, fillings, COUNT(fillings));
	SCOPED(mem_free) char *url = mem_textf("%s%s", load->base, path);
	unsigned index = evidence_add_request(load->evidence, kind, session, room, bot);

	fire(load, load->webhooks, index,
		&(struct fetch_request){
			.method = "POST",
			.url = url,
			.headers = json,
			.body = body,
			.body_len = strlen(body),
			.fresh = true,
			.small = true,
		});
}

/* As many at a time as OPENING_MAX. */
static void open_next(struct load *load)
{
	if (load->opened < (unsigned)load->scenario->load.sessions)
		send_webhook(load, REQUEST_OPEN, ++load->opened);
}

void load_open_one(struct load *load, unsigned session)
{
	load->opened = (unsigned)load->scenario->load.sessions;
	send_webhook(load, REQUEST_OPEN, session);
}

static void open_idle(struct load *load)
{
	SCOPED(mem_free) char *url = mem_textf("%s/health", load->base);
	unsigned index =
		evidence_add_request(load->evidence, REQUEST_IDLE, 0, NULL, NULL);

	fire(load, load->idle, index, &(struct fetch_request){.url = url});
}

void load_begin(struct load *load, enum request_kind kind)
{
	const struct load_part *part = &load->scenario->load;
	int64_t count = kind == REQUEST_OPEN ? part->sessions
		: kind == REQUEST_TURN       ? part->turns
					     : part->idle_connections;

	for (unsigned i = 1; i <= (unsigned)count; i++) {
		if (kind == REQUEST_IDLE)
			open_idle(load);
		else if (kind == REQUEST_TURN)
			send_webhook(load, kind, i);
		else if (i <= OPENING_MAX)
			open_next(load);
	}
}

void load_destroy(struct load *load)
{
	if (!load)
		return;
	fetch_destroy(load->webhooks);
	fetch_destroy(load->idle);
	while (load->calls) {
		struct load_call *call = load->calls;

		load->calls = call->next;
		free(call);
	}
	for (unsigned i = 0; i < COUNT(load->trouble); i++)
		free(load->trouble[i]);
	free(load->base);
	free(load->agent_url);
	free(load);
}

#include "mock-agent/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session.h"

struct request *request_create(struct mock *mock, struct web_exchange *exchange)
{
	struct request *request = mem_zeroed(sizeof *request);

	request->mock = mock;
	request->exchange = exchange;
	wire_id(request->id, "req");
	web_set_data(exchange, request);
	web_add_header(exchange, "request-id", request->id);
	return request;
}

void request_end(struct request *request, enum web_end end)
{
	if (request->over)
		request->over(request, end);
	if (request->session)
		session_release(request->session);
	bell_destroy(request->bell);
	cJSON_Delete(request->body);
	for (unsigned i = 0; i < REQUEST_PARAMS; i++)
		free(request->param[i]);
	free(request);
}

void request_reply(struct request *request, unsigned status, cJSON *body)
{
	SCOPED(mem_free) char *text = json_print(body);

	web_reply(request->exchange, status, REQUEST_JSON, text, strlen(text));
	cJSON_Delete(body);
}

void request_answer(struct request *request, cJSON *body)
{
	request_reply(request, 200, body);
}

void request_refuse(struct request *request, unsigned status, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	request_reply(request, status, wire_error(status, message, request->id));
}

void request_hold(struct request *request, struct session *session)
{
	session_hold(session);
	request->session = session;
}

static void on_bell(void *arg)
{
	struct request *request = arg;

	request->turn(request);
}

void request_draw(struct request *request, struct mood *mood, enum moment moment)
{
	request->mood = mood;
	request->act = mood_next(mood, moment);
}

void request_wait(struct request *request, struct mood *mood, enum moment moment,
	request_fn *turn)
{
	request_draw(request, mood, moment);
	request->turn = turn;
	request->bell = bell_create(request->mock->loop, on_bell, request);
	bell_set(request->bell, request->act.delay_ns);
}

static void answer_error(struct request *request)
{
	const struct act *act = &request->act;
	char text[32];

	if (act->retry_after_ns > 0) {
		snprintf(text, sizeof text, "%lld",
			(long long)((act->retry_after_ns + CLOCK_S - 1) / CLOCK_S));
		web_add_header(request->exchange, "retry-after", text);
		snprintf(text, sizeof text, "%lld",
			(long long)(act->retry_after_ns / CLOCK_MS));
		web_add_header(request->exchange, "retry-after-ms", text);
	}
	request_refuse(request, act->status, "The %s fault was asked for.",
		moment_name(act->moment));
}

/* Half of an answer: what the client would have to know is in the other one. */
static void answer_half(struct request *request)
{
	const char *half = request->wants_stream
		? "event: session.status_running\ndata: {\"id\":\"se"
		: "{\"id\":\"sesn_01";

	web_stream_begin(request->exchange, 200,
		request->wants_stream ? REQUEST_SSE : REQUEST_JSON);
	web_stream_add(request->exchange, half, strlen(half));
	web_stream_end(request->exchange);
}

static void answer_nonsense(struct request *request)
{
	const char *nonsense = request->wants_stream
		? REQUEST_NONSENSE
		: "<html><body>Bad Gateway</body></html>\n";

	web_reply(request->exchange, 200,
		request->wants_stream ? REQUEST_SSE : REQUEST_JSON, nonsense,
		strlen(nonsense));
}

void request_strike(struct request *request)
{
	mood_log_fault(request->mood, request->session ? request->session->id : NULL,
		&request->act);
	switch ((enum fault)request->act.fault) {
	case FAULT_NONE:
	case FAULT_HANG:
		return;
	case FAULT_RESET:
		web_reset(request->exchange);
		return;
	case FAULT_BLACKHOLE:
		if (request->session)
			session_go_dark(request->session);
		return;
	case FAULT_HALF_CLOSE:
		web_half_close(request->exchange);
		return;
	case FAULT_ERROR:
		answer_error(request);
		return;
	case FAULT_TRUNCATE:
		answer_half(request);
		return;
	case FAULT_MALFORM:
		answer_nonsense(request);
		return;
	case FAULT_REFUSE:
		door_shut(request->mock->door);
		web_reset(request->exchange);
		return;
	}
}

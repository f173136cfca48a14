#include "mock-agent/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void request_delay(struct request *request, request_fn *turn)
{
	request->turn = turn;
	request->bell = bell_create(request->mock->loop, on_bell, request);
	bell_set(request->bell, request->act.delay_ns);
}

void request_wait(struct request *request, struct mood *mood, enum moment moment,
	request_fn *turn)
{
	request_draw(request, mood, moment);
	request_delay(request, turn);
}

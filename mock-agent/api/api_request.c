#include "mock-agent/api/api_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/session/api_session.h"

struct api_request *api_request_create(struct mock *mock, struct web_exchange *exchange)
{
	struct api_request *request = mem_zeroed(sizeof *request);

	request->mock = mock;
	request->exchange = exchange;
	request->form = &response_form_session;
	api_format_id(request->id, "req");
	exchange->data = request;
	web_add_header(exchange, "request-id", request->id);
	return request;
}

void api_request_end(struct api_request *request, enum web_end end)
{
	if (request->over)
		request->over(request, end);
	if (request->session)
		api_session_release(request->session);
	loop_timer_destroy(request->timer);
	cJSON_Delete(request->body);
	for (unsigned i = 0; i < REQUEST_PARAMS; i++)
		free(request->param[i]);
	free(request->room);
	free(request);
}

void api_request_reply(struct api_request *request, unsigned status, cJSON *body)
{
	SCOPED(mem_free) char *text = json_print(body);

	web_reply(request->exchange, status, API_FORMAT_JSON, text, strlen(text));
	cJSON_Delete(body);
}

void api_request_answer(struct api_request *request, cJSON *body)
{
	api_request_reply(request, 200, body);
}

void api_request_answer_text(struct api_request *request, const struct buf *body)
{
	web_reply(request->exchange, 200, API_FORMAT_JSON, body->data, body->len);
}

void api_request_answer_session(
	struct api_request *request, const struct api_session *session)
{
	SCOPED(buf_done) struct buf body = {0};

	buf_init(&body, API_FORMAT_CEILING);
	api_session_write(session, &body);
	api_request_answer_text(request, &body);
}

bool api_request_refuse(
	struct api_request *request, unsigned status, const char *format, ...)
{
	SCOPED(buf_done) struct buf body = {0};
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	request->form->error(&body, status, message, request->id);
	web_reply(request->exchange, status, API_FORMAT_JSON, body.data, body.len);
	return false;
}

int64_t api_request_take_rate(struct api_request *request, enum rate_limited what)
{
	return rate_limit_take(&request->mock->rate_limit,
		&request->mock->behavior.rate_limit, what, clock_now());
}

void api_request_refuse_rate(
	struct api_request *request, enum rate_limited what, int64_t wait_ns)
{
	fault_add_retry_after(request->exchange, wait_ns);
	api_request_refuse(request, 429,
		"This request would exceed the rate limit of %lld %s per second.",
		(long long)request->mock->behavior.rate_limit.per_second[what],
		what == RATE_LIMITED_CONNECTS ? "new sessions"
					      : "archived or deleted sessions");
}

const char *api_request_session_name(const struct api_request *request)
{
	return web_header(request->exchange, "x-session");
}

void api_request_draw(
	struct api_request *request, struct fault_schedule *schedule, enum phase phase)
{
	request->schedule = schedule;
	request->injection = fault_schedule_next(schedule, phase);
}

static void on_timer(void *arg)
{
	struct api_request *request = arg;

	request->resume(request);
}

void api_request_delay(struct api_request *request, api_request_fn *resume)
{
	request->resume = resume;
	request->timer = loop_timer_create(request->mock->loop, on_timer, request);
	loop_timer_set(request->timer, request->injection.delay_ns);
}

void api_request_wait(struct api_request *request, struct fault_schedule *schedule,
	enum phase phase, api_request_fn *resume)
{
	api_request_draw(request, schedule, phase);
	api_request_delay(request, resume);
}

bool api_request_is_faulted(struct api_request *request)
{
	const struct response response = api_request_response(request);

	if (request->schedule->blackholed)
		return true;
	if (request->injection.fault == FAULT_NONE)
		return false;
	fault_log(request->schedule,
		request->session ? request->session->id : request->session_id,
		&request->injection);
	(void)fault_on_response(
		request->schedule, &request->injection, &response, NULL);
	return true;
}

struct response api_request_response(const struct api_request *request)
{
	return (struct response){request->exchange, request->form, request->id, 0};
}

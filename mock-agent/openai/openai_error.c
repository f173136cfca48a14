#include "mock-agent/openai/openai_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/json.h"
#include "lib/json_write.h"

#define MESSAGE_SIZE 512

/* What the status alone says. */
static const struct status_error {
	unsigned status;
	const char *type;
	const char *code;
} status_errors[] = {
	{401, "invalid_request_error", "invalid_api_key"},
	{405, "invalid_request_error", "method_not_supported"},
	{413, "invalid_request_error", "request_too_large"},
	{429, "requests", "rate_limit_exceeded"},
};

static struct status_error error_of(unsigned status)
{
	for (unsigned i = 0; i < COUNT(status_errors); i++) {
		if (status_errors[i].status == status)
			return status_errors[i];
	}
	return (struct status_error){status,
		status < 500 ? "invalid_request_error" : "server_error",
		status < 500 ? NULL : "server_error"};
}

static void write_error(struct buf *body, const char *message, const char *type,
	const char *param, const char *code)
{
	json_write(body, "{'error':{'message':%s,'type':%s,'param':", message, type);
	json_write_text(body, param);
	buf_adds(body, ",\"code\":");
	json_write_text(body, code);
	buf_adds(body, "}}");
}

void openai_error_write(struct buf *body, unsigned status, const char *message,
	UNUSED const char *request_id)
{
	const struct status_error error = error_of(status);

	write_error(body, message, error.type, NULL, error.code);
}

void openai_error_members(struct buf *body, unsigned status, const char *message)
{
	const struct status_error error = error_of(status);

	json_write(body, "'code':%s,'message':%s,'param':null",
		error.code ? error.code : error.type, message);
}

void openai_error_frame(struct buf *frame, unsigned status, const char *message,
	UNUSED unsigned sequence)
{
	buf_adds(frame, "data: ");
	openai_error_write(frame, status, message, NULL);
	buf_adds(frame, "\n\n");
}

const struct response_form openai_form = {
	.type = API_FORMAT_JSON,
	.half = "{\"id\":\"",
	.malformed = RESPONSE_NOT_JSON,
	.error = openai_error_write,
	.error_frame = openai_error_frame,
};

void openai_begin(struct api_request *request)
{
	request->form = &openai_form;
	web_add_header(request->exchange, "x-request-id", request->id);
}

static bool refuse(struct api_request *request, unsigned status, const char *param,
	const char *code, const char *message)
{
	SCOPED(buf_done) struct buf body = {0};

	write_error(&body, message, error_of(status).type, param, code);
	web_reply(request->exchange, status, API_FORMAT_JSON, body.data, body.len);
	return false;
}

bool openai_refuse(struct api_request *request, const char *param, const char *code,
	const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return refuse(request, 400, param, code, message);
}

bool openai_refuse_status(struct api_request *request, unsigned status,
	const char *param, const char *code, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return refuse(request, status, param, code, message);
}

bool openai_refuse_missing(struct api_request *request, const char *param)
{
	return openai_refuse(request, param, "missing_required_parameter",
		"Missing required parameter: '%s'.", param);
}

bool openai_refuse_type(struct api_request *request, const char *param,
	const char *expected, const cJSON *given)
{
	return openai_refuse(request, param, "invalid_type",
		"Invalid type for '%s': expected %s, but got %s instead.", param,
		expected, json_kind(given));
}

#include "mock-agent/messages/messages.h"

#include "lib/json_fill.h"
#include "mock-agent/answer/answer.h"
#include "mock-agent/messages/message_check.h"
#include "mock-agent/messages/message_format.h"
#include "mock-agent/messages/message_request.h"

void messages_route(struct api_request *request)
{
	answer_request(request, &message_format);
}

void messages_count_route(struct api_request *request)
{
	struct err err;

	if (message_check(request->body, false, &err))
		api_request_answer(request,
			json_fill(NULL, "{'input_tokens': %g}",
				(double)message_request_tokens(request->body)));
	else
		api_request_refuse(request, 400, "%s", err.text);
}

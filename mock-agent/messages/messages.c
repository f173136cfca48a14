#include "mock-agent/messages/messages.h"

#include "lib/json_fill.h"
#include "mock-agent/answer/answer.h"
#include "mock-agent/messages/message_format.h"
#include "mock-agent/messages/message_request.h"

void messages_route(struct api_request *request)
{
	answer_request(request, &message_format);
}

void messages_count_route(struct api_request *request)
{
	if (message_request_check(request, false))
		api_request_answer(request,
			json_fill(NULL, "{'input_tokens': %g}",
				(double)message_tokens(request->exchange->body.len)));
}

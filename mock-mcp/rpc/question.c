#include "mock-mcp/rpc/question.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"

void question_ask(
	struct call *call, const char *method, cJSON *params, call_reply_fn *reply)
{
	struct peer *peer = call->peer;
	struct question *question = mem_zeroed(sizeof *question);
	SCOPED(mem_free) char *message = NULL;

	*question =
		(struct question){.call = call, .id = ++peer->asked, .reply = reply};
	message = jsonrpc_request(question->id, method, params);
	DL_APPEND(peer->questions, question);
	peer->options.transport->notify(
		peer->options.arg, call->group->origin, message);
}

static void forget(struct question *question)
{
	DL_DELETE(question->call->peer->questions, question);
	free(question);
}

void question_settle(struct question *question, const cJSON *response)
{
	const cJSON *error = json_get(response, "error");
	const char *why = json_text(error, "message");
	struct call *call = question->call;
	call_reply_fn *reply = question->reply;

	forget(question);
	loop_timer_stop(call->timer);
	reply(call, json_get(response, "result"),
		error ? (why ? why : "the client gave no reason") : NULL);
}

void questions_forget(const struct call *call)
{
	struct question *question, *next;

	DL_FOREACH_SAFE(call->peer->questions, question, next) {
		if (question->call == call)
			forget(question);
	}
}

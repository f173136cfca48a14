#include "mock-mcp/pending_calls.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

struct pending_call {
	struct pending_calls *calls;
	struct pending_call *prev, *next;
	struct loop_timer *due;
	char *id; /* as JSON: 5 and "5" differ */
	char *tool;
	char *answer;
};

static void forget(struct pending_call *call)
{
	call->calls->count--;
	call->calls->held -= strlen(call->answer);
	DL_DELETE(call->calls->first, call);
	loop_timer_destroy(call->due);
	free(call->id);
	free(call->tool);
	free(call->answer);
	free(call);
}

static void on_due(void *arg)
{
	struct pending_call *call = arg;

	call->calls->over(call->calls->arg, call->tool, call->answer);
	forget(call);
}

struct pending_call *pending_calls_find(
	const struct pending_calls *calls, const char *id)
{
	struct pending_call *call = calls->first;

	while (call && strcmp(call->id, id))
		call = call->next;
	return call;
}

bool pending_calls_begin(struct pending_calls *calls, const char *id, const char *tool,
	char *answer, int64_t after_ns)
{
	size_t size = strlen(answer);
	struct pending_call *call;

	if (calls->count >= PENDING_CALLS_MAX ||
		size > PENDING_CALLS_HELD_MAX - calls->held) {
		free(answer);
		return false;
	}
	call = mem_zeroed(sizeof *call);
	call->calls = calls;
	call->id = mem_text(id);
	call->tool = mem_text(tool);
	call->answer = answer;
	call->due = loop_timer_create(calls->loop, on_due, call);
	DL_APPEND(calls->first, call);
	calls->count++;
	calls->held += size;
	if (after_ns != PENDING_CALLS_NEVER)
		loop_timer_set(call->due, after_ns);
	return true;
}

void pending_calls_cancel(struct pending_calls *calls, const char *id)
{
	struct pending_call *call = pending_calls_find(calls, id);

	if (!call)
		return;
	calls->over(calls->arg, call->tool, NULL);
	forget(call);
}

void pending_calls_clear(struct pending_calls *calls)
{
	while (calls->first)
		forget(calls->first);
}

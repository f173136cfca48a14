#include "mock-mcp/pending_calls.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct pending_call {
	struct pending_calls *calls;
	struct pending_call *prev, *next;
	uv_timer_t due;
	char *id; /* as JSON: 5 and "5" differ */
	char *tool;
	char *answer;
	size_t size;
};

struct pending_calls {
	uv_loop_t *loop;
	pending_calls_over_fn *over;
	void *arg;
	struct pending_call *first;
	unsigned count;
	size_t held;
};

struct pending_calls *pending_calls_create(
	uv_loop_t *loop, pending_calls_over_fn *over, void *arg)
{
	struct pending_calls *calls = mem_zeroed(sizeof *calls);

	calls->loop = loop;
	calls->over = over;
	calls->arg = arg;
	return calls;
}

static void on_closed(uv_handle_t *handle)
{
	struct pending_call *call = handle->data;

	free(call->id);
	free(call->tool);
	free(call->answer);
	free(call);
}

static void forget(struct pending_call *call)
{
	call->calls->count--;
	call->calls->held -= call->size;
	DL_DELETE(call->calls->first, call);
	uv_close((uv_handle_t *)&call->due, on_closed);
}

static void on_due(uv_timer_t *timer)
{
	struct pending_call *call = timer->data;

	forget(call);
	call->calls->over(call->calls->arg, call->tool, call->answer);
}

static struct pending_call *find(const struct pending_calls *calls, const char *id)
{
	struct pending_call *call = calls->first;

	while (call && strcmp(call->id, id))
		call = call->next;
	return call;
}

bool pending_calls_has(const struct pending_calls *calls, const char *id)
{
	return find(calls, id);
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
	call->size = size;
	DL_APPEND(calls->first, call);
	calls->count++;
	calls->held += size;
	call->due.data = call;
	uv_timer_init(calls->loop, &call->due);
	if (after_ns != PENDING_CALLS_NEVER) {
		uv_update_time(calls->loop);
		uv_timer_start(&call->due, on_due, clock_ms_up(after_ns), 0);
	}
	return true;
}

void pending_calls_cancel(struct pending_calls *calls, const char *id)
{
	struct pending_call *call = find(calls, id);

	if (!call)
		return;
	forget(call);
	calls->over(calls->arg, call->tool, NULL);
}

void pending_calls_destroy(struct pending_calls *calls)
{
	if (!calls)
		return;
	while (calls->first)
		forget(calls->first);
	free(calls);
}

#include "mock-mcp/calls.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct call {
	struct calls *calls;
	struct call *next, **here; /* the pointer that points at us */
	uv_timer_t due;
	char *id; /* as JSON: 5 and "5" differ */
	char *tool;
	char *answer;
	size_t size;
};

struct calls {
	uv_loop_t *loop;
	calls_over_fn *over;
	void *arg;
	struct call *first;
	unsigned count;
	size_t held;
};

struct calls *calls_create(uv_loop_t *loop, calls_over_fn *over, void *arg)
{
	struct calls *calls = mem_zeroed(sizeof *calls);

	calls->loop = loop;
	calls->over = over;
	calls->arg = arg;
	return calls;
}

static void on_closed(uv_handle_t *handle)
{
	struct call *call = handle->data;

	free(call->id);
	free(call->tool);
	free(call->answer);
	free(call);
}

static void forget(struct call *call)
{
	call->calls->count--;
	call->calls->held -= call->size;
	*call->here = call->next;
	if (call->next)
		call->next->here = call->here;
	uv_close((uv_handle_t *)&call->due, on_closed);
}

static void on_due(uv_timer_t *timer)
{
	struct call *call = timer->data;

	forget(call);
	call->calls->over(call->calls->arg, call->tool, call->answer);
}

static struct call *find(const struct calls *calls, const char *id)
{
	struct call *call = calls->first;

	while (call && strcmp(call->id, id))
		call = call->next;
	return call;
}

bool calls_has(const struct calls *calls, const char *id)
{
	return find(calls, id);
}

bool calls_begin(struct calls *calls, const char *id, const char *tool, char *answer,
	int64_t after_ns)
{
	size_t size = strlen(answer);
	struct call *call;

	if (calls->count >= CALLS_MAX || size > CALLS_HELD_MAX - calls->held) {
		free(answer);
		return false;
	}
	call = mem_zeroed(sizeof *call);
	call->calls = calls;
	call->id = mem_text(id);
	call->tool = mem_text(tool);
	call->answer = answer;
	call->size = size;
	call->next = calls->first;
	call->here = &calls->first;
	if (call->next)
		call->next->here = &call->next;
	calls->first = call;
	calls->count++;
	calls->held += size;
	call->due.data = call;
	uv_timer_init(calls->loop, &call->due);
	if (after_ns != CALLS_NEVER) {
		uv_update_time(calls->loop);
		uv_timer_start(&call->due, on_due, clock_ms_up(after_ns), 0);
	}
	return true;
}

void calls_cancel(struct calls *calls, const char *id)
{
	struct call *call = find(calls, id);

	if (!call)
		return;
	forget(call);
	calls->over(calls->arg, call->tool, NULL);
}

void calls_destroy(struct calls *calls)
{
	if (!calls)
		return;
	while (calls->first)
		forget(calls->first);
	free(calls);
}

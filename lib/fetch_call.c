#include "lib/fetch_call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "lib/clock.h"

static void enqueue(struct fetch_call *call)
{
	if (!call->queue_prev)
		DL_APPEND2(*call->queue, call, queue_prev, queue_next);
}

void fetch_call_unqueue(struct fetch_call *call)
{
	if (call->queue_prev)
		DL_DELETE2(*call->queue, call, queue_prev, queue_next);
	call->queue_prev = NULL;
}

static bool is_wanted(const struct fetch_call *call, const char *name, size_t len)
{
	const char *const *head = call->heads;

	while (head && *head &&
		(strlen(*head) != len || strncasecmp(*head, name, len) != 0))
		head++;
	return call->all_heads || (head && *head);
}

void fetch_call_note_header(struct fetch_call *call, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	if (!is_wanted(call, name, name_len) || memchr(name, '\0', name_len) ||
		memchr(value, '\0', value_len))
		return;
	buf_add(&call->found, name, name_len);
	buf_add(&call->found, "", 1);
	if (value_len > 0)
		buf_add(&call->found, value, value_len);
	buf_add(&call->found, "", 1);
}

void fetch_call_note_head(struct fetch_call *call, long status)
{
	call->headed = true;
	if (!call->tells_head || status < 200 || status >= 300)
		return;
	call->tells_head = false;
	call->head_came = true;
	enqueue(call);
}

bool fetch_call_take_body(
	struct fetch_call *call, long status, const char *data, size_t len)
{
	if (!call->data || status < 200 || status >= 300)
		return buf_add(&call->body, data, len);
	enqueue(call);
	return buf_add(&call->arrived, data, len);
}

void fetch_call_end(struct fetch_call *call, enum fetch_end end, const char *why)
{
	call->result.end = end;
	call->result.ended_ns = clock_now();
	if (why != call->why)
		snprintf(call->why, sizeof call->why, "%s", why);
	call->over = true;
	enqueue(call);
}

#include "mock-mcp/rpc/call.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/rpc/question.h"

/* What the request says of itself in _meta, in either style. */
static void read_meta(struct call *call, const struct jsonrpc_message *request)
{
	const cJSON *meta = json_get(request->params, "_meta");
	const char *level = json_text(meta, PROTOCOL_META "logLevel");

	call->progress_token =
		jsonrpc_id(request->doc, json_get(meta, "progressToken"));
	if (call->style == PROTOCOL_HANDSHAKE)
		return;
	call->log_level = level ? protocol_level(level) : -1;
	if (call->log_level < 0)
		call->log_level = PROTOCOL_LEVEL_SILENT;
	call->capabilities = protocol_capabilities(
		json_get(meta, PROTOCOL_META "clientCapabilities"));
}

struct call *call_begin(struct peer *peer, struct answer_group *group,
	const struct jsonrpc_message *request, enum protocol_style style)
{
	struct call *call = mem_zeroed(sizeof *call);

	call->peer = peer;
	call->group = group;
	call->style = style;
	call->id = mem_text(request->id);
	call->capabilities = peer->capabilities;
	call->log_level = peer->log_level;
	read_meta(call, request);
	DL_APPEND(peer->calls, call);
	peer->call_count++;
	answer_group_owe(group);
	return call;
}

static void release(struct call *call)
{
	struct peer *peer = call->peer;

	DL_DELETE(peer->calls, call);
	peer->call_count--;
	questions_forget(call);
	if (call->held)
		peer->held -= strlen(call->held);
	if (call->filter)
		call->filter_done(call->filter);
	loop_timer_destroy(call->timer);
	free(call->id);
	free(call->progress_token);
	free(call->tool);
	free(call->held);
	free(call);
}

/* Takes answer. The event comes before the answer that it explains. */
static void end(struct call *call, char *answer, int code)
{
	struct answer_group *group = call->group;

	if (call->tool)
		log_event("mcp.tool.end", LOG_IDENTITY(&call->peer->options.identity),
			"tool", LOG_TEXT(call->tool));
	release(call);
	answer_group_pay(group, answer, code);
}

void call_answer(struct call *call, cJSON *result)
{
	const char *name = call->peer->options.identity.name;

	end(call, jsonrpc_result(call->id, protocol_finish(result, call->style, name)),
		0);
}

void call_answer_cacheable(struct call *call, cJSON *result)
{
	call_answer(call, protocol_cacheable(result, call->style));
}

void call_refuse(
	struct call *call, enum jsonrpc_code code, const char *why, cJSON *data)
{
	end(call, jsonrpc_error(call->id, code, why, data), (int)code);
}

void call_cancel(struct call *call)
{
	end(call, NULL, 0);
}

void call_drop(struct call *call)
{
	struct answer_group *group = call->group;

	release(call);
	answer_group_drop(group);
}

void call_notify(struct call *call, const char *method, cJSON *params)
{
	const struct peer_options *options = &call->peer->options;
	SCOPED(mem_free) char *message = jsonrpc_notification(method, params);

	options->transport->notify(options->arg, call->group->origin, message);
}

void call_log(struct call *call, const char *level, const char *text)
{
	if (protocol_level(level) >= call->log_level)
		call_notify(call, "notifications/message",
			json_fill(NULL, "{'level': %s, 'logger': %s, 'data': %s}",
				level, call->peer->options.identity.name, text));
}

void call_progress(struct call *call, double progress, double total)
{
	cJSON *params;

	if (!call->progress_token)
		return;
	params = json_fill(NULL, "{'progress': %g, 'total': %g}", progress, total);
	cJSON_AddRawToObject(params, "progressToken", call->progress_token);
	call_notify(call, "notifications/progress", params);
}

static void on_no_reply(struct call *call)
{
	call_refuse(call, JSONRPC_INTERNAL_ERROR,
		"the client did not answer the server's request", NULL);
}

void call_ask(
	struct call *call, const char *method, cJSON *params, call_reply_fn *reply)
{
	call_wait(call, CALL_REPLY_NS, on_no_reply);
	question_ask(call, method, params, reply);
}

bool call_can_ask(const struct call *call, enum protocol_capability capability)
{
	return (call->capabilities & (unsigned)capability) != 0;
}

static void on_due(void *arg)
{
	struct call *call = arg;

	call->step(call);
}

static struct loop_timer *timer_of(struct call *call)
{
	if (!call->timer)
		call->timer = loop_timer_create(call->peer->loop, on_due, call);
	return call->timer;
}

void call_wait(struct call *call, int64_t ns, call_step_fn *step)
{
	call->step = step;
	loop_timer_set(timer_of(call), ns);
}

bool call_hold_params(struct call *call, const cJSON *params)
{
	char *text = json_print(params);

	if (strlen(text) > PEER_HELD_MAX - call->peer->held) {
		free(text);
		return false;
	}
	call->held = text;
	call->peer->held += strlen(text);
	return true;
}

void call_interrupt(struct call *call)
{
	const struct peer_options *options = &call->peer->options;

	if (options->transport->interrupt)
		options->transport->interrupt(options->arg, call->group->origin);
}

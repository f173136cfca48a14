#include "service/mcp/jsonrpc.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "service/mcp/jsonrpc_partial.h"

#define SHOWN_MAX 500 /* bytes of a message that are reported */

/* A closed stdout is nearly always the first sign of an exit, whose status says more:
 * requests under way still wait so long for that. */
#define EXIT_AWAITED_NS (200 * CLOCK_MS)
#define SILENT          "it closed its stdout"

struct jsonrpc_call {
	struct jsonrpc_call *next;
	enum jsonrpc_when when;
	int64_t id;
	int64_t deadline_ns;
	const char *method;
	char *name;   /* of the tool called, or NULL */
	char *unsent; /* its text, while it waits for jsonrpc_open() */
	char *failed; /* why, until it is reported */
	int64_t code; /* with `failed`: JSON-RPC's, or 0 */
	bool again;   /* it was sent in a session that had ended */
	jsonrpc_answer_fn *done;
	void *arg;
};

static void on_timer(uv_timer_t *timer);

/* To be called after each change of a deadline and each failed call. */
static void set_timer(struct jsonrpc *rpc)
{
	int64_t next_ns = INT64_MAX;

	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next) {
		int64_t due_ns = call->failed ? 0 : call->deadline_ns;

		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	if (rpc->closing)
		return;
	if (next_ns == INT64_MAX)
		uv_timer_stop(&rpc->timer);
	else
		uv_timer_start(
			&rpc->timer, on_timer, clock_ms_up(next_ns - clock_now()), 0);
}

static void fail_call(struct jsonrpc_call *call, const char *why)
{
	if (!call->failed)
		call->failed = mem_text(why);
}

/* Nobody waits for the answer any more. */
static void settle(struct jsonrpc *rpc, const struct jsonrpc_call *call, bool answered)
{
	if (rpc->transport && !call->unsent)
		mcp_transport_settle(rpc->transport, call->id, answered);
}

/* Reports the end of the call and frees it. */
static void finish_call(struct jsonrpc *rpc, struct jsonrpc_call *call,
	const struct jsonrpc_answer *answer)
{
	LL_DELETE(rpc->calls, call);
	settle(rpc, call, !call->failed);
	call->done(call->arg, answer);
	free(call->name);
	free(call->unsent);
	free(call->failed);
	free(call);
}

static struct jsonrpc_call *failed_call(const struct jsonrpc *rpc)
{
	struct jsonrpc_call *call = rpc->calls;

	while (call && !call->failed)
		call = call->next;
	return call;
}

void jsonrpc_report_failed(struct jsonrpc *rpc)
{
	struct jsonrpc_call *call;

	while (!rpc->closing && (call = failed_call(rpc)))
		finish_call(rpc, call,
			&(struct jsonrpc_answer){
				.why = call->failed, .code = call->code});
}

/* Takes message; gives the caller its text. */
static char *text_of(cJSON *message)
{
	char *text;

	cJSON_AddStringToObject(message, "jsonrpc", "2.0");
	text = json_print(message);
	cJSON_Delete(message);
	return text;
}

/* Takes message; method NULL: it is an answer. One that the server does not read is
 * lost: deadlines follow. */
static void send_message(struct jsonrpc *rpc, const char *method, cJSON *message)
{
	SCOPED(mem_free) char *text = text_of(message);
	const char *ignored;

	if (rpc->transport)
		mcp_transport_send(rpc->transport,
			&(struct mcp_message){
				.text = text, .len = strlen(text), .method = method},
			&ignored);
}

void jsonrpc_notify(struct jsonrpc *rpc, const char *method, cJSON *params)
{
	cJSON *message = json_fill(NULL, "{'method': %s}", method);

	if (params)
		cJSON_AddItemToObject(message, "params", params);
	send_message(rpc, method, message);
}

/* Lets the server stop its work on a request that nothing waits for. */
static void send_cancelled(
	struct jsonrpc *rpc, const struct jsonrpc_call *call, const char *reason)
{
	if (call->when != JSONRPC_HANDSHAKE && !call->unsent && !call->failed)
		jsonrpc_notify(rpc, "notifications/cancelled",
			json_fill(NULL, "{'requestId': %g, 'reason': %s}",
				(double)call->id, reason));
}

static void send_call(struct jsonrpc *rpc, struct jsonrpc_call *call)
{
	SCOPED(mem_free) char *text = call->unsent;
	const char *why;

	call->unsent = NULL;
	if (!mcp_transport_send(rpc->transport,
		    &(struct mcp_message){
			    .text = text,
			    .len = strlen(text),
			    .id = call->id,
			    .method = call->method,
			    .name = call->name,
		    },
		    &why))
		fail_call(call, why);
}

void jsonrpc_ask(struct jsonrpc *rpc, enum jsonrpc_when when, const char *method,
	cJSON *params, int64_t deadline_ns, jsonrpc_answer_fn *done, void *arg)
{
	struct jsonrpc_call *call = mem_zeroed(sizeof *call);
	int64_t id = ++rpc->last_id;
	cJSON *message =
		json_fill(NULL, "{'id': %g, 'method': %s}", (double)id, method);

	*call = (struct jsonrpc_call){
		.when = when,
		.id = id,
		.deadline_ns = deadline_ns,
		.method = method,
		.name = mem_text(json_text(params, "name")),
		.done = done,
		.arg = arg,
	};
	if (params)
		cJSON_AddItemToObject(message, "params", params);
	call->unsent = text_of(message);
	LL_APPEND(rpc->calls, call);
	if (rpc->ended)
		fail_call(call, rpc->ended);
	else if (rpc->mute)
		fail_call(call, SILENT);
	else if (rpc->open || when == JSONRPC_HANDSHAKE)
		send_call(rpc, call);
	set_timer(rpc);
}

void jsonrpc_open(struct jsonrpc *rpc)
{
	rpc->open = true;
	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next)
		if (call->unsent && !call->failed)
			send_call(rpc, call);
	set_timer(rpc);
}

void jsonrpc_reopen(struct jsonrpc *rpc, int64_t id, const char *text)
{
	struct jsonrpc_call *call = rpc->calls;

	rpc->open = false;
	while (call && (call->id != id || call->failed || call->unsent))
		call = call->next;
	if (!call)
		return;
	if (call->when == JSONRPC_HANDSHAKE || call->again)
		fail_call(call, "the server has ended the session");
	else
		call->unsent = mem_text(text);
	call->again = true;
	set_timer(rpc);
}

void jsonrpc_end(struct jsonrpc *rpc, const char *why, bool cancel)
{
	if (!rpc->ended)
		rpc->ended = mem_text(why);
	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next) {
		if (cancel)
			send_cancelled(rpc, call, why);
		fail_call(call, why);
	}
	set_timer(rpc);
}

/* Requests past their deadline fail. */
static void on_timer(uv_timer_t *timer)
{
	struct jsonrpc *rpc = timer->data;
	int64_t now_ns = clock_now();

	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next) {
		if (call->failed || call->deadline_ns > now_ns)
			continue;
		send_cancelled(rpc, call, "deadline");
		fail_call(call,
			rpc->mute              ? SILENT
				: call->unsent ? "it did not become ready in time"
					       : "no answer in time");
	}
	jsonrpc_report_failed(rpc);
	set_timer(rpc);
}

/* The request under way with this id, or NULL. */
static struct jsonrpc_call *asked_call(const struct jsonrpc *rpc, double id)
{
	struct jsonrpc_call *call = rpc->calls;

	while (call && (call->failed || call->unsent || id != (double)call->id))
		call = call->next;
	return call;
}

/* The request under way, if there is just one. */
static struct jsonrpc_call *only_call(const struct jsonrpc *rpc)
{
	struct jsonrpc_call *only = NULL;

	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next) {
		if (call->failed || call->unsent)
			continue;
		if (only)
			return NULL;
		only = call;
	}
	return only;
}

/* False: the message answers no request of ours. */
static bool on_answer(struct jsonrpc *rpc, const cJSON *id, const cJSON *message)
{
	const cJSON *result = json_get(message, "result");
	const cJSON *error = json_get(message, "error");
	struct jsonrpc_call *call;
	struct jsonrpc_answer answer = {.result = result};
	SCOPED(mem_free) char *why = NULL;

	if (!cJSON_IsNumber(id) || (!result && !error) || id->valuedouble < 1 ||
		id->valuedouble > (double)rpc->last_id)
		return false;
	call = asked_call(rpc, id->valuedouble);
	if (!call)
		return true; /* too late */
	if (error) {
		const char *said = json_text(error, "message");

		answer.result = NULL;
		answer.code = json_int(error, "code", 0);
		answer.why = why = mem_textf("error %lld: %.300s",
			(long long)answer.code, said ? said : "(no message)");
	}
	finish_call(rpc, call, &answer);
	set_timer(rpc);
	return true;
}

static void answer_request(struct jsonrpc *rpc, const cJSON *id, const char *method)
{
	cJSON *message = cJSON_CreateObject();

	cJSON_AddItemToObject(message, "id", cJSON_Duplicate(id, true));
	if (strcmp(method, "ping") == 0)
		json_fill(message, "{'result': {}}");
	else
		json_fill(message, "{'error': {'code': %d, 'message': %s}}",
			JSONRPC_METHOD_NOT_FOUND, "Method not found");
	send_message(rpc, NULL, message);
}

/* False: not a message, or an answer to no request of ours. */
static bool on_message(struct jsonrpc *rpc, const cJSON *message)
{
	const cJSON *id = json_get(message, "id");
	const char *method = json_text(message, "method");

	if (method && id)
		answer_request(rpc, id, method);
	else if (method)
		rpc->events->notified(rpc->arg, method);
	return method || on_answer(rpc, id, message);
}

/* A broken answer: its request fails now. */
static void on_partial(struct jsonrpc *rpc, const char *line, size_t len, bool cut)
{
	const struct jsonrpc_partial partial = jsonrpc_partial_read(line, len);
	struct jsonrpc_call *call;

	if (!partial.answer)
		return;
	call = partial.has_id ? asked_call(rpc, (double)partial.id) : only_call(rpc);
	if (!call)
		return;
	finish_call(rpc, call,
		&(struct jsonrpc_answer){
			.why = cut ? "its answer is over 8 MiB"
				   : "its answer is not JSON that we can read",
		});
	set_timer(rpc);
}

/* The messages of a batch in turn, each of which may close the conversation. False: one
 * of them is none. */
static bool on_batch(struct jsonrpc *rpc, const cJSON *batch)
{
	bool all = batch->child != NULL;
	const cJSON *message;

	cJSON_ArrayForEach(message, batch)
		if (!rpc->closing && !on_message(rpc, message))
			all = false;
	return all;
}

void jsonrpc_receive(struct jsonrpc *rpc, const char *text, size_t len, bool cut)
{
	SCOPED(json_free) cJSON *message = NULL;
	SCOPED(mem_free) char *unexpected_output = NULL;

	if (rpc->closing)
		return;
	if (!cut)
		message = json_parse(text, len);
	if (cJSON_IsArray(message) ? on_batch(rpc, message)
				   : message && on_message(rpc, message))
		return;
	if (rpc->closing)
		return;
	unexpected_output = mem_textf("%s%.*s",
		cut ? "a line over 8 MiB was dropped: " : "", SHOWN_MAX, text);
	rpc->events->unexpected_output(rpc->arg, unexpected_output);
	if (!message && !rpc->closing)
		on_partial(rpc, text, len, cut);
}

void jsonrpc_silence(struct jsonrpc *rpc)
{
	int64_t exit_by_ns = clock_now() + EXIT_AWAITED_NS;

	if (rpc->closing)
		return;
	rpc->mute = true;
	for (struct jsonrpc_call *call = rpc->calls; call; call = call->next)
		if (call->deadline_ns > exit_by_ns)
			call->deadline_ns = exit_by_ns;
	set_timer(rpc);
}

void jsonrpc_fail(struct jsonrpc *rpc, int64_t id, const char *why, int64_t code)
{
	struct jsonrpc_call *call = rpc->closing ? NULL : asked_call(rpc, (double)id);

	if (!call)
		return;
	finish_call(rpc, call, &(struct jsonrpc_answer){.why = why, .code = code});
	if (!rpc->closing)
		set_timer(rpc);
}

void jsonrpc_init(struct jsonrpc *rpc, uv_loop_t *loop,
	const struct jsonrpc_events *events, void *arg)
{
	*rpc = (struct jsonrpc){.events = events, .arg = arg};
	uv_timer_init(loop, &rpc->timer);
	rpc->timer.data = rpc;
}

static void on_closed(uv_handle_t *handle)
{
	struct jsonrpc *rpc = handle->data;

	while (rpc->calls)
		finish_call(rpc, rpc->calls, &(struct jsonrpc_answer){.why = "closed"});
	free(rpc->ended);
	rpc->events->closed(rpc->arg);
}

void jsonrpc_close(struct jsonrpc *rpc)
{
	rpc->closing = true;
	rpc->transport = NULL;
	uv_close((uv_handle_t *)&rpc->timer, on_closed);
}

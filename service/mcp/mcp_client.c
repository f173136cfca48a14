#include "service/mcp/mcp_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "service/mcp/jsonrpc.h"
#include "service/mcp/mcp_result.h"

#define PAGES_MAX 100 /* of tools/list; its cursors may run in a circle */

enum mcp_client_state {
	MCP_HANDSHAKE,
	MCP_READY,
	MCP_ENDED,     /* the handshake failed, we stop the server, or it has ended */
	MCP_DESTROYED, /* no callbacks any more */
};

/* The reading of tools/list. */
struct mcp_listing {
	cJSON *tools; /* read so far */
	unsigned pages;
	bool reading;
	int64_t deadline_ns;
	int64_t again_by_ns; /* 0: the list has not changed since it is being read */
};

struct mcp_client {
	enum mcp_client_state state;
	char *name;
	const struct mcp_client_events *events;
	void *arg;
	int64_t start_ns, call_ns;
	int64_t ready_by_ns; /* deadline of the handshake */
	struct jsonrpc rpc;
	bool modern;   /* 2026-07-28: each request says who asks */
	bool renewing; /* a new handshake, in place of a session that had ended */
	struct mcp_listing list;
};

/* A tool call of ours. */
struct mcp_client_call {
	struct mcp_client *mcp;
	mcp_client_call_fn *done;
	void *arg;
};

static const char *const versions[] = {
	"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"};

#define MODERN_VERSION "2026-07-28"

/* By these errors a server of MODERN_VERSION alone refuses initialize. */
static const int64_t modern_codes[] = {
	JSONRPC_METHOD_NOT_FOUND, -32022 /* version */, -32020 /* header mismatch */};

static bool is_known_version(const char *version)
{
	for (size_t i = 0; i < COUNT(versions); i++)
		if (strcmp(version, versions[i]) == 0)
			return true;
	return false;
}

/* The one writer of `state`. */
static void enter(struct mcp_client *mcp, enum mcp_client_state state)
{
	assert(state >= mcp->state);
	mcp->state = state;
}

/* All requests fail. `cancel` also sends notifications/cancelled. */
static void end(struct mcp_client *mcp, const char *why, bool cancel)
{
	enter(mcp, MCP_ENDED);
	jsonrpc_end(&mcp->rpc, why, cancel);
}

static void report_list(struct mcp_client *mcp, const cJSON *tools, const char *why)
{
	switch (mcp->state) {
	case MCP_HANDSHAKE:
		if (tools) {
			enter(mcp, MCP_READY);
			jsonrpc_open(&mcp->rpc);
		} else {
			end(mcp, why, false);
		}
		mcp->events->ready(mcp->arg, tools, why);
		return;
	case MCP_READY:
		if (tools)
			mcp->events->relisted(mcp->arg, tools);
		else /* the old list stays */
			mcp->events->unexpected_output(mcp->arg, why);
		return;
	case MCP_ENDED:
	case MCP_DESTROYED:
		return;
	}
}

static void on_page(void *arg, const struct jsonrpc_answer *answer);

/* Takes params; gives what a request of this server's version has. */
static cJSON *with_meta(const struct mcp_client *mcp, cJSON *params)
{
	if (mcp->modern)
		json_fill(params,
			"{'_meta': {'io.modelcontextprotocol/protocolVersion': %s,"
			" 'io.modelcontextprotocol/clientCapabilities': {},"
			" 'io.modelcontextprotocol/clientInfo':"
			" {'name': 'stopbench-service', 'version': '1'}}}",
			MODERN_VERSION);
	return params;
}

/* Sent at once, also in the handshake, of which it is a part. */
static void ask_for_page(struct mcp_client *mcp, const char *cursor)
{
	cJSON *params = cJSON_CreateObject();

	if (cursor)
		cJSON_AddStringToObject(params, "cursor", cursor);
	mcp->list.pages++;
	jsonrpc_ask(&mcp->rpc, JSONRPC_HANDSHAKE, "tools/list", with_meta(mcp, params),
		mcp->list.deadline_ns, on_page, mcp);
}

static void begin_listing(struct mcp_client *mcp, int64_t deadline_ns)
{
	cJSON_Delete(mcp->list.tools);
	mcp->list = (struct mcp_listing){
		.tools = cJSON_CreateArray(),
		.reading = true,
		.deadline_ns = deadline_ns,
	};
	ask_for_page(mcp, NULL);
}

static void finish_listing(struct mcp_client *mcp, const char *why)
{
	mcp->list.reading = false;
	report_list(mcp, why ? NULL : mcp->list.tools, why);
	if (mcp->list.again_by_ns && mcp->state == MCP_READY)
		begin_listing(mcp, mcp->list.again_by_ns);
}

static void on_page(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client *mcp = arg;
	const cJSON *tools = json_get(answer->result, "tools");
	const char *cursor = json_text(answer->result, "nextCursor");
	const cJSON *tool;

	if (!answer->result && answer->code != JSONRPC_METHOD_NOT_FOUND) {
		SCOPED(mem_free) char *why = mem_textf("tools/list: %s", answer->why);

		finish_listing(mcp, why);
		return;
	}
	if (answer->result && !cJSON_IsArray(tools)) {
		finish_listing(mcp, "tools/list: its answer has no tools");
		return;
	}
	/* A server without the method tools/list has no tools. */
	cJSON_ArrayForEach(tool, tools)
		if (json_text(tool, "name"))
			cJSON_AddItemToArray(
				mcp->list.tools, cJSON_Duplicate(tool, true));
	if (!cursor || !*cursor)
		finish_listing(mcp, NULL);
	else if (mcp->list.pages < PAGES_MAX)
		ask_for_page(mcp, cursor);
	else
		finish_listing(mcp, "tools/list: it has no last page");
}

/* The handshake is over but for the tools, which a new handshake need not wait for. */
static void go_on(struct mcp_client *mcp, const char *version)
{
	mcp_transport_negotiated(mcp->rpc.transport, version);
	jsonrpc_notify(&mcp->rpc, "notifications/initialized", NULL);
	if (mcp->renewing)
		jsonrpc_open(&mcp->rpc);
	mcp->renewing = false;
	if (mcp->list.reading)
		mcp->list.again_by_ns = mcp->ready_by_ns;
	else
		begin_listing(mcp, mcp->ready_by_ns);
}

/* Without a session no call succeeds; the server's owner may start anew. */
static void fail_handshake(struct mcp_client *mcp, const char *why)
{
	if (mcp->state == MCP_HANDSHAKE) {
		report_list(mcp, NULL, why);
		return;
	}
	end(mcp, why, false);
	mcp_transport_stop(mcp->rpc.transport, 0, 0);
	mcp->events->unexpected_output(mcp->arg, why);
}

static bool has_version(const cJSON *versions_list, const char *version)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, versions_list)
		if (cJSON_IsString(entry) && strcmp(entry->valuestring, version) == 0)
			return true;
	return false;
}

static void on_discovered(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client *mcp = arg;
	const cJSON *supported = json_get(answer->result, "supportedVersions");
	SCOPED(mem_free) char *why = NULL;

	if (mcp->state != MCP_HANDSHAKE)
		return;
	if (has_version(supported, MODERN_VERSION)) {
		begin_listing(mcp, mcp->ready_by_ns);
		return;
	}
	why = mem_textf("server/discover: %s",
		answer->why ? answer->why
			    : "it speaks no version of MCP that we speak");
	fail_handshake(mcp, why);
}

static bool is_modern_refusal(
	const struct mcp_client *mcp, const struct jsonrpc_answer *answer)
{
	if (answer->result || mcp->state != MCP_HANDSHAKE)
		return false;
	for (size_t i = 0; i < COUNT(modern_codes); i++)
		if (answer->code == modern_codes[i])
			return true;
	return false;
}

static void discover(struct mcp_client *mcp)
{
	mcp->modern = true;
	mcp_transport_negotiated(mcp->rpc.transport, MODERN_VERSION);
	jsonrpc_ask(&mcp->rpc, JSONRPC_HANDSHAKE, "server/discover",
		with_meta(mcp, cJSON_CreateObject()), mcp->ready_by_ns, on_discovered,
		mcp);
}

static void on_initialized(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client *mcp = arg;
	const char *version = json_text(answer->result, "protocolVersion");
	SCOPED(mem_free) char *why = NULL;

	if (mcp->state != MCP_HANDSHAKE && !(mcp->state == MCP_READY && mcp->renewing))
		return;
	if (version && is_known_version(version)) {
		go_on(mcp, version);
		return;
	}
	if (is_modern_refusal(mcp, answer)) {
		discover(mcp);
		return;
	}
	if (!answer->result)
		why = mem_textf("initialize: %s", answer->why);
	else if (version)
		why = mem_textf("initialize: it speaks MCP %.40s, we do not", version);
	else
		why = mem_text("initialize: its answer has no protocolVersion");
	fail_handshake(mcp, why);
}

static void begin_handshake(struct mcp_client *mcp)
{
	mcp->ready_by_ns = clock_now() + mcp->start_ns;
	mcp_transport_negotiated(mcp->rpc.transport, NULL);
	jsonrpc_ask(&mcp->rpc, JSONRPC_HANDSHAKE, "initialize",
		json_fill(NULL,
			"{'protocolVersion': %s, 'capabilities': {},"
			" 'clientInfo': {'name': 'stopbench-service', 'version': '1'}}",
			versions[0]),
		mcp->ready_by_ns, on_initialized, mcp);
}

static void on_unexpected_output(void *arg, const char *line)
{
	struct mcp_client *mcp = arg;

	mcp->events->unexpected_output(mcp->arg, line);
}

/* A change during a reading makes it read again: each page may be old or new. A change
 * before the first reading needs none. */
static void on_notified(void *arg, const char *method)
{
	struct mcp_client *mcp = arg;
	int64_t deadline_ns = clock_now() + mcp->start_ns;

	if (strcmp(method, "notifications/tools/list_changed") != 0)
		return;
	if (mcp->list.reading)
		mcp->list.again_by_ns = deadline_ns;
	else if (mcp->state == MCP_READY)
		begin_listing(mcp, deadline_ns);
}

static void on_message(void *arg, const char *text, size_t len, bool cut)
{
	struct mcp_client *mcp = arg;

	jsonrpc_receive(&mcp->rpc, text, len, cut);
}

static void on_silent(void *arg)
{
	struct mcp_client *mcp = arg;

	jsonrpc_silence(&mcp->rpc);
}

static void on_failed(void *arg, int64_t id, const char *why, int64_t code)
{
	struct mcp_client *mcp = arg;

	jsonrpc_fail(&mcp->rpc, id, why, code);
}

/* Several requests may find out that the session has ended. */
static void on_expired(void *arg, int64_t id, const char *text)
{
	struct mcp_client *mcp = arg;

	if (mcp->state != MCP_READY) {
		jsonrpc_fail(&mcp->rpc, id, "the server has ended the session", 0);
		return;
	}
	jsonrpc_reopen(&mcp->rpc, id, text);
	if (mcp->renewing)
		return;
	mcp->renewing = true;
	mcp->events->unexpected_output(
		mcp->arg, "the server has ended the session: a new handshake");
	if (mcp->state == MCP_READY)
		begin_handshake(mcp);
}

static void on_step(void *arg, enum mcp_step step)
{
	struct mcp_client *mcp = arg;

	mcp->events->step(mcp->arg, step);
}

/* Each callback may destroy the client. */
static void on_ended(void *arg, const struct mcp_end *how)
{
	struct mcp_client *mcp = arg;
	bool unready = mcp->state == MCP_HANDSHAKE;

	end(mcp, how->why, false);
	if (unready)
		mcp->events->ready(mcp->arg, NULL, how->why);
	if (mcp->state != MCP_DESTROYED)
		jsonrpc_report_failed(&mcp->rpc);
	if (mcp->state != MCP_DESTROYED)
		mcp->events->gone(mcp->arg, how);
}

static void on_closed(void *arg)
{
	struct mcp_client *mcp = arg;

	cJSON_Delete(mcp->list.tools);
	free(mcp->name);
	free(mcp);
}

static const struct jsonrpc_events rpc_events = {
	.unexpected_output = on_unexpected_output,
	.notified = on_notified,
	.closed = on_closed,
};

static const struct mcp_transport_events transport_events = {
	.message = on_message,
	.unexpected_output = on_unexpected_output,
	.silent = on_silent,
	.failed = on_failed,
	.expired = on_expired,
	.step = on_step,
	.ended = on_ended,
};

static struct mcp_transport *start_transport(uv_loop_t *loop, struct reaper *reaper,
	const struct mcp_client_spec *spec, struct mcp_client *mcp, struct err *err)
{
	if (!spec->stdio.argv)
		return http_transport_start(
			loop, &spec->http, &transport_events, mcp, err);
	return stdio_transport_start(reaper, &spec->stdio, &transport_events, mcp, err);
}

struct mcp_client *mcp_client_start(uv_loop_t *loop, struct reaper *reaper,
	const struct mcp_client_spec *spec, const struct mcp_client_events *events,
	void *arg, struct err *err)
{
	struct mcp_client *mcp = mem_zeroed(sizeof *mcp);

	mcp->name = mem_text(spec->name);
	mcp->events = events;
	mcp->arg = arg;
	mcp->call_ns = spec->call_ns;
	mcp->start_ns = spec->start_ns;
	jsonrpc_init(&mcp->rpc, loop, &rpc_events, mcp);
	mcp->rpc.transport = start_transport(loop, reaper, spec, mcp, err);
	if (!mcp->rpc.transport) {
		err_while(err, "start MCP server %s", spec->name);
		mcp_client_destroy(mcp);
		return NULL;
	}
	begin_handshake(mcp);
	return mcp;
}

pid_t mcp_client_pid(const struct mcp_client *mcp)
{
	return mcp_transport_pid(mcp->rpc.transport);
}

static bool wants_input(const cJSON *result)
{
	const char *type = json_text(result, "resultType");

	return type && strcmp(type, "input_required") == 0;
}

static void on_called(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client_call *call = arg;
	bool is_error = json_bool(answer->result, "isError", false);
	SCOPED(json_free) cJSON *content = mcp_result_blocks(answer->result);

	if (!content) {
		SCOPED(mem_free) char *why =
			mem_textf("MCP server %s: %s", call->mcp->name,
				answer->why ? answer->why
					: wants_input(answer->result)
					? "it asks for input, which nobody can give"
					: "its answer has no content");

		content = mcp_result_text(why);
		is_error = true;
	}
	if (call->mcp->state != MCP_DESTROYED)
		call->done(call->arg, content, is_error);
	free(call);
}

void mcp_client_call(struct mcp_client *mcp, const char *tool, const cJSON *arguments,
	mcp_client_call_fn *done, void *arg)
{
	struct mcp_client_call *call = mem_zeroed(sizeof *call);
	cJSON *params = json_fill(NULL, "{'name': %s}", tool);

	*call = (struct mcp_client_call){.mcp = mcp, .done = done, .arg = arg};
	cJSON_AddItemToObject(params, "arguments",
		arguments ? cJSON_Duplicate(arguments, true) : cJSON_CreateObject());
	jsonrpc_ask(&mcp->rpc, JSONRPC_OPEN, "tools/call", with_meta(mcp, params),
		clock_now() + mcp->call_ns, on_called, call);
}

void mcp_client_stop(struct mcp_client *mcp, int64_t eof_ns, int64_t term_ns)
{
	if (mcp->state != MCP_ENDED)
		end(mcp, "shutting down", true);
	mcp_transport_stop(mcp->rpc.transport, eof_ns, term_ns);
}

void mcp_client_destroy(struct mcp_client *mcp)
{
	if (!mcp)
		return;
	assert(mcp->state != MCP_DESTROYED);
	enter(mcp, MCP_DESTROYED);
	mcp_transport_destroy(mcp->rpc.transport);
	jsonrpc_close(&mcp->rpc);
}

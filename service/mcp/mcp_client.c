#include "service/mcp/mcp_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "service/mcp/jsonrpc.h"
#include "service/mcp/mcp_result.h"

#define STDERR_LINE_CEILING ((size_t)16 << 10)
#define PAGES_MAX           100 /* of tools/list; its cursors may run in a circle */

enum mcp_client_state {
	MCP_HANDSHAKE,
	MCP_READY,
	MCP_ENDED,     /* the handshake failed, we stop the server, or it was reaped */
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
	struct lines errors; /* its stderr */
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

/* Sent at once, also in the handshake, of which it is a part. */
static void ask_for_page(struct mcp_client *mcp, const char *cursor)
{
	cJSON *params = cJSON_CreateObject();

	if (cursor)
		cJSON_AddStringToObject(params, "cursor", cursor);
	mcp->list.pages++;
	jsonrpc_ask(&mcp->rpc, JSONRPC_HANDSHAKE, "tools/list", params,
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

static void on_initialized(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client *mcp = arg;
	const char *version = json_text(answer->result, "protocolVersion");
	SCOPED(mem_free) char *why = NULL;

	if (mcp->state != MCP_HANDSHAKE)
		return;
	if (version && is_known_version(version)) {
		jsonrpc_notify(&mcp->rpc, "notifications/initialized", NULL);
		begin_listing(mcp, mcp->ready_by_ns);
		return;
	}
	if (!answer->result)
		why = mem_textf("initialize: %s", answer->why);
	else if (version)
		why = mem_textf("initialize: it speaks MCP %.40s, we do not", version);
	else
		why = mem_text("initialize: its answer has no protocolVersion");
	report_list(mcp, NULL, why);
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

static void on_stdout(void *arg, const char *data, size_t len)
{
	struct mcp_client *mcp = arg;

	jsonrpc_feed(&mcp->rpc, data, len);
}

static void on_error_line(void *arg, char *line, size_t len, UNUSED bool cut)
{
	struct mcp_client *mcp = arg;

	if (mcp->state != MCP_DESTROYED && len > 0)
		mcp->events->unexpected_output(mcp->arg, line);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	struct mcp_client *mcp = arg;

	if (len > 0)
		lines_feed(&mcp->errors, data, len);
	else
		lines_end(&mcp->errors);
}

static void on_step(void *arg, enum child_step step)
{
	struct mcp_client *mcp = arg;

	mcp->events->step(mcp->arg, step);
}

/* Each callback may destroy the client. */
static void on_reaped(void *arg, int status)
{
	struct mcp_client *mcp = arg;
	bool unready = mcp->state == MCP_HANDSHAKE;
	SCOPED(mem_free) char *why = WIFSIGNALED(status)
		? mem_textf("it was killed by signal %d", WTERMSIG(status))
		: mem_textf("it exited with code %d", WEXITSTATUS(status));

	end(mcp, why, false);
	if (unready)
		mcp->events->ready(mcp->arg, NULL, why);
	if (mcp->state != MCP_DESTROYED)
		jsonrpc_report_failed(&mcp->rpc);
	if (mcp->state != MCP_DESTROYED)
		mcp->events->gone(mcp->arg, status);
}

static void on_closed(void *arg)
{
	struct mcp_client *mcp = arg;

	lines_done(&mcp->errors);
	cJSON_Delete(mcp->list.tools);
	free(mcp->name);
	free(mcp);
}

static const struct jsonrpc_events rpc_events = {
	.unexpected_output = on_unexpected_output,
	.notified = on_notified,
	.closed = on_closed,
};

struct mcp_client *mcp_client_start(uv_loop_t *loop, struct reaper *reaper,
	const struct mcp_client_spec *spec, const struct mcp_client_events *events,
	void *arg, struct err *err)
{
	struct mcp_client *mcp = mem_zeroed(sizeof *mcp);
	struct child_spec child = {
		.argv = spec->argv,
		.env = spec->env,
		.on_stdout = on_stdout,
		.on_stderr = on_stderr,
		.on_step = on_step,
		.on_exit = on_reaped,
		.arg = mcp,
		.with_stdin = true,
	};

	mcp->name = mem_text(spec->name);
	mcp->events = events;
	mcp->arg = arg;
	mcp->call_ns = spec->call_ns;
	mcp->start_ns = spec->start_ns;
	mcp->ready_by_ns = clock_now() + spec->start_ns;
	jsonrpc_init(&mcp->rpc, loop, &rpc_events, mcp);
	lines_init(&mcp->errors, STDERR_LINE_CEILING, on_error_line, mcp);
	mcp->rpc.child = child_spawn(reaper, &child, err);
	if (!mcp->rpc.child) {
		err_while(err, "start MCP server %s", spec->name);
		mcp_client_destroy(mcp);
		return NULL;
	}
	jsonrpc_ask(&mcp->rpc, JSONRPC_HANDSHAKE, "initialize",
		json_fill(NULL,
			"{'protocolVersion': %s, 'capabilities': {},"
			" 'clientInfo': {'name': 'stopbench-service', 'version': '1'}}",
			versions[0]),
		mcp->ready_by_ns, on_initialized, mcp);
	return mcp;
}

pid_t mcp_client_pid(const struct mcp_client *mcp)
{
	return child_pid(mcp->rpc.child);
}

static void on_called(void *arg, const struct jsonrpc_answer *answer)
{
	struct mcp_client_call *call = arg;
	bool is_error = json_bool(answer->result, "isError", false);
	SCOPED(json_free) cJSON *content = mcp_result_blocks(answer->result);

	if (!content) {
		SCOPED(mem_free) char *why = mem_textf("MCP server %s: %s",
			call->mcp->name,
			answer->why ? answer->why : "its answer has no content");

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
	jsonrpc_ask(&mcp->rpc, JSONRPC_OPEN, "tools/call", params,
		clock_now() + mcp->call_ns, on_called, call);
}

void mcp_client_stop(struct mcp_client *mcp, int64_t eof_ns, int64_t term_ns)
{
	if (mcp->state != MCP_ENDED)
		end(mcp, "shutting down", true);
	child_stop(mcp->rpc.child, eof_ns, term_ns);
}

void mcp_client_destroy(struct mcp_client *mcp)
{
	if (!mcp)
		return;
	assert(mcp->state != MCP_DESTROYED);
	enter(mcp, MCP_DESTROYED);
	child_destroy(mcp->rpc.child);
	jsonrpc_close(&mcp->rpc);
}

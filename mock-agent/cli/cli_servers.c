#include "mock-agent/cli/cli_servers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/lines.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/reaper.h"
#include "lib/strlist.h"

#define LINE_CEILING ((size_t)8 << 20)
#define CONNECT_NS   (30 * CLOCK_S)
#define VERSION      "2025-11-25"
#define TOOL_PREFIX  "mcp__"
#define SERVERS_MAX  128

enum server_state {
	SERVER_CONNECTING,
	SERVER_CONNECTED,
	SERVER_FAILED,
};

/* The ids of the requests of the handshake; a call has a greater one. */
enum { ID_INITIALIZE = 1, ID_LIST = 2 };

struct server {
	struct cli_servers *servers;
	char *name;
	enum server_state state;
	struct child *child; /* NULL: it was not started, or has ended */
	struct lines lines;
	cJSON *tools;
	unsigned last_id;
};

struct cli_servers {
	uv_loop_t *loop;
	const struct cli_servers_events *events;
	void *arg;
	struct reaper *reaper;
	struct server *list;
	unsigned count;
	struct loop_timer *connect; /* deadline; then `settled` is due */
	struct loop_timer *ladder;
	struct loop_timer *soon; /* `ended` is due */
	int64_t kill_ns;
	bool settled;          /* and that was told */
	int step;              /* the last signal of the ladder; 0: not begun */
	struct server *called; /* NULL: no call */
};

static bool is_connecting(const struct cli_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (servers->list[i].state == SERVER_CONNECTING)
			return true;
	return false;
}

static bool is_running(const struct cli_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (servers->list[i].child)
			return true;
	return false;
}

static void settle(struct server *server, enum server_state state)
{
	bool connecting = server->state == SERVER_CONNECTING;

	server->state = state;
	if (connecting && !is_connecting(server->servers))
		loop_timer_set(server->servers->connect, 0);
}

/* Takes message. */
static void send_message(struct server *server, cJSON *message)
{
	SCOPED(mem_free) char *text = NULL, *line = NULL;

	cJSON_AddStringToObject(message, "jsonrpc", "2.0");
	text = json_print(message);
	line = mem_textf("%s\n", text);
	cJSON_Delete(message);
	if (server->child)
		child_write(server->child, line, strlen(line));
}

static void ask_for_tools(struct server *server, const char *cursor)
{
	cJSON *message = json_fill(NULL, "{'id': %d, 'method': 'tools/list'}", ID_LIST);

	if (cursor)
		cJSON_AddItemToObject(
			message, "params", json_fill(NULL, "{'cursor': %s}", cursor));
	send_message(server, message);
}

static void on_tools(struct server *server, const cJSON *result)
{
	const char *cursor = json_text(result, "nextCursor");
	const cJSON *tool;

	cJSON_ArrayForEach(tool, json_get(result, "tools"))
		cJSON_AddItemToArray(server->tools, cJSON_Duplicate(tool, true));
	if (cursor && *cursor)
		ask_for_tools(server, cursor);
	else
		settle(server, SERVER_CONNECTED);
}

static void answer(struct cli_servers *servers, const cJSON *content, bool is_error)
{
	servers->called = NULL;
	servers->events->answered(servers->arg, content, is_error);
}

static void answer_text(struct cli_servers *servers, const char *text)
{
	SCOPED(json_free) cJSON *content = cJSON_CreateArray();

	cJSON_AddItemToArray(
		content, json_fill(NULL, "{'type': 'text', 'text': %s}", text));
	answer(servers, content, true);
}

static void on_called(struct cli_servers *servers, const cJSON *message)
{
	const cJSON *result = json_get(message, "result");
	const cJSON *content = json_get(result, "content");
	const char *why = json_text(json_get(message, "error"), "message");

	if (cJSON_IsArray(content))
		answer(servers, content, json_bool(result, "isError", false));
	else
		answer_text(servers, why ? why : "its answer has no content");
}

static void on_message(struct server *server, const cJSON *message)
{
	int64_t id = json_int(message, "id", 0);
	const cJSON *result = json_get(message, "result");

	if (json_text(message, "method") && json_get(message, "id")) {
		send_message(server,
			json_fill(NULL, "{'id': %g, 'result': {}}", (double)id));
	} else if (id == ID_INITIALIZE && result) {
		send_message(server,
			json_fill(NULL, "{'method': 'notifications/initialized'}"));
		ask_for_tools(server, NULL);
	} else if (id == ID_LIST && server->state == SERVER_CONNECTING) {
		on_tools(server, result);
	} else if (id == ID_INITIALIZE) {
		settle(server, SERVER_FAILED);
	} else if (server->servers->called == server && id == server->last_id) {
		on_called(server->servers, message);
	}
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	SCOPED(json_free) cJSON *message = cut ? NULL : json_parse(line, len);

	if (cJSON_IsObject(message))
		on_message(arg, message);
}

static void on_stdout(void *arg, const char *data, size_t len)
{
	struct server *server = arg;

	if (len > 0)
		lines_feed(&server->lines, data, len);
	else
		lines_end(&server->lines);
}

static void on_reaped(void *arg, UNUSED int status)
{
	struct server *server = arg;
	struct cli_servers *servers = server->servers;

	child_destroy(server->child);
	server->child = NULL;
	settle(server, SERVER_FAILED);
	if (servers->called == server)
		answer_text(servers, "MCP error -32000: Connection closed");
	if (servers->step && !is_running(servers))
		loop_timer_set(servers->soon, 0);
}

/* False: not a stdio server, or one that could not be started. */
static bool start(struct server *server, const cJSON *config)
{
	const char *command = json_text(config, "command");
	SCOPED(strlist_done) struct strlist argv = {0};
	SCOPED(strlist_done) struct strlist env = {0};
	const cJSON *item;
	struct err ignored;

	if (!command)
		return false;
	strlist_add(&argv, "%s", command);
	cJSON_ArrayForEach(item, json_get(config, "args"))
		if (cJSON_IsString(item))
			strlist_add(&argv, "%s", item->valuestring);
	for (char **pair = environ; *pair; pair++)
		strlist_put(&env, *pair);
	cJSON_ArrayForEach(item, json_get(config, "env")) {
		SCOPED(mem_free) char *pair = mem_textf("%s=%s", item->string,
			cJSON_IsString(item) ? item->valuestring : "");

		strlist_put(&env, pair);
	}
	server->child = child_spawn(server->servers->reaper,
		&(struct child_spec){
			.argv = (const char *const *)argv.item,
			.env = (const char *const *)env.item,
			.folder = json_text(config, "cwd"),
			.on_stdout = on_stdout,
			.on_exit = on_reaped,
			.arg = server,
			.with_stdin = true,
			.same_group = true,
		},
		&ignored);
	return server->child != NULL;
}

static void connect_to(struct server *server, const cJSON *config)
{
	if (!start(server, config)) {
		server->state = SERVER_FAILED;
		return;
	}
	send_message(server,
		json_fill(NULL,
			"{'id': %d, 'method': 'initialize', 'params': "
			"{'protocolVersion': %s, 'capabilities': {'roots': {}}, "
			"'clientInfo': {'name': 'mock-cli', 'version': '1'}}}",
			ID_INITIALIZE, VERSION));
}

/* The deadline, or the last of them has settled. */
static void on_connect(void *arg)
{
	struct cli_servers *servers = arg;

	for (unsigned i = 0; i < servers->count; i++)
		if (servers->list[i].state == SERVER_CONNECTING)
			servers->list[i].state = SERVER_FAILED;
	servers->settled = true;
	servers->events->settled(servers->arg);
}

static void on_soon(void *arg)
{
	struct cli_servers *servers = arg;

	servers->events->ended(servers->arg);
}

static void on_ladder(void *arg);

struct cli_servers *cli_servers_start(uv_loop_t *loop, const cJSON *config,
	const struct cli_servers_events *events, void *arg, struct err *err)
{
	struct cli_servers *servers = mem_zeroed(sizeof *servers);

	servers->loop = loop;
	servers->events = events;
	servers->arg = arg;
	servers->reaper = reaper_create(loop, NULL, NULL, err);
	if (!servers->reaper) {
		free(servers);
		return NULL;
	}
	servers->connect = loop_timer_create(loop, on_connect, servers);
	servers->ladder = loop_timer_create(loop, on_ladder, servers);
	servers->soon = loop_timer_create(loop, on_soon, servers);
	servers->list = mem_zeroed(SERVERS_MAX * sizeof *servers->list);
	cli_servers_add(servers, config);
	return servers;
}

void cli_servers_add(struct cli_servers *servers, const cJSON *config)
{
	const cJSON *node;

	cJSON_ArrayForEach(node, config) {
		struct server *server = &servers->list[servers->count];

		if (servers->count == SERVERS_MAX)
			break;
		servers->count++;
		server->servers = servers;
		server->name = mem_text(node->string);
		server->tools = cJSON_CreateArray();
		server->last_id = ID_LIST;
		lines_init(&server->lines, LINE_CEILING, on_line, server);
		connect_to(server, node);
	}
	servers->settled = false;
	loop_timer_set(servers->connect, is_connecting(servers) ? CONNECT_NS : 0);
}

bool cli_servers_settled(const struct cli_servers *servers)
{
	return servers->settled;
}

void cli_servers_add_status(const struct cli_servers *servers, cJSON *array)
{
	for (unsigned i = 0; i < servers->count; i++)
		cJSON_AddItemToArray(array,
			json_fill(NULL, "{'name': %s, 'status': %s}",
				servers->list[i].name,
				servers->list[i].state == SERVER_CONNECTED ? "connected"
									   : "failed"));
}

void cli_servers_add_tools(const struct cli_servers *servers, cJSON *array)
{
	for (unsigned i = 0; i < servers->count; i++) {
		const cJSON *tool;

		cJSON_ArrayForEach(tool, servers->list[i].tools) {
			SCOPED(mem_free) char *name = mem_textf(TOOL_PREFIX "%s__%s",
				servers->list[i].name, json_text(tool, "name"));
			cJSON *added =
				json_fill(NULL, "{'name': %s, 'description': %s}", name,
					json_text(tool, "description"));

			cJSON_AddItemToObject(added, "input_schema",
				cJSON_Duplicate(json_get(tool, "inputSchema"), true));
			cJSON_AddItemToArray(array, added);
		}
	}
}

/* The server of "mcp__SERVER__TOOL", and the tool's name there. */
static struct server *find(
	const struct cli_servers *servers, const char *declared, const char **tool)
{
	for (unsigned i = 0; i < servers->count; i++) {
		SCOPED(mem_free) char *prefix =
			mem_textf(TOOL_PREFIX "%s__", servers->list[i].name);

		if (strncmp(declared, prefix, strlen(prefix)) != 0)
			continue;
		*tool = declared + strlen(prefix);
		return &servers->list[i];
	}
	return NULL;
}

bool cli_servers_call(
	struct cli_servers *servers, const char *declared, const cJSON *input)
{
	const char *tool = NULL;
	struct server *server = find(servers, declared, &tool);
	cJSON *message, *params;

	if (!server || !server->child || server->state != SERVER_CONNECTED)
		return false;
	params = json_fill(NULL, "{'name': %s}", tool);
	cJSON_AddItemToObject(params, "arguments",
		input ? cJSON_Duplicate(input, true) : cJSON_CreateObject());
	message = json_fill(
		NULL, "{'id': %u, 'method': 'tools/call'}", ++server->last_id);
	cJSON_AddItemToObject(message, "params", params);
	servers->called = server;
	send_message(server, message);
	return true;
}

void cli_servers_cancel(struct cli_servers *servers)
{
	struct server *server = servers->called;

	servers->called = NULL;
	if (server)
		send_message(server,
			json_fill(NULL,
				"{'method': 'notifications/cancelled', 'params': "
				"{'requestId': %u, 'reason': 'interrupted'}}",
				server->last_id));
}

static void send_signal(const struct cli_servers *servers, int number)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (servers->list[i].child)
			kill(child_pid(servers->list[i].child), number);
}

static void on_ladder(void *arg)
{
	struct cli_servers *servers = arg;

	servers->step = servers->step == SIGINT ? SIGTERM : SIGKILL;
	send_signal(servers, servers->step);
	if (servers->step == SIGTERM)
		loop_timer_set(servers->ladder, servers->kill_ns);
}

void cli_servers_end(struct cli_servers *servers, int64_t term_ns, int64_t kill_ns)
{
	if (servers->step)
		return;
	servers->step = SIGINT;
	servers->kill_ns = kill_ns;
	loop_timer_stop(servers->connect);
	if (!is_running(servers)) {
		loop_timer_set(servers->soon, 0);
		return;
	}
	send_signal(servers, SIGINT);
	loop_timer_set(servers->ladder, term_ns);
}

void cli_servers_destroy(struct cli_servers *servers)
{
	if (!servers)
		return;
	for (unsigned i = 0; i < servers->count; i++) {
		child_destroy(servers->list[i].child);
		lines_done(&servers->list[i].lines);
		cJSON_Delete(servers->list[i].tools);
		free(servers->list[i].name);
	}
	loop_timer_destroy(servers->connect);
	loop_timer_destroy(servers->ladder);
	loop_timer_destroy(servers->soon);
	reaper_destroy(servers->reaper);
	free(servers->list);
	free(servers);
}

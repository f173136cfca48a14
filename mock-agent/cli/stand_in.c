#include "mock-agent/cli/stand_in.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/stdin_lines.h"
#include "lib/stdout_lines.h"
#include "mock-agent/cli/cli_servers.h"
#include "mock-agent/cli/cli_turn.h"

#define LINE_CEILING ((size_t)32 << 20)
#define QUEUE_MAX    1000    /* user messages that wait */
#define FLUSH_NS     CLOCK_S /* until what is written last has been read */
#define SIGNAL_EXIT  128     /* SIGTERM: 143 */

static const int handled[] = {SIGTERM, SIGINT, 0};
#define HANDLED (COUNT(handled) - 1)

struct stand_in {
	struct stand_in_options options;
	uv_loop_t loop;
	uv_signal_t signals[HANDLED];
	struct stdin_lines *input;
	struct stdout_lines *output;
	struct cli_servers *servers;
	struct cli_turn *turn;
	cJSON *tools;
	cJSON *queue; /* the content of user messages, before the start any line */
	char *session_id;
	struct loop_timer *start; /* until it handles lines */
	struct loop_timer *exit;  /* a reaction that exits later */
	struct loop_timer *end;   /* until the output is flushed */
	bool starting, eof, leaving;
	bool failed; /* the last turn */
	int64_t turn_ns;
	int exit_code;
};

/* The first members of each event. */
#define OF(cli)                                                                        \
	"session", LOG_TEXT((cli)->options.session), "id", LOG_TEXT((cli)->session_id)

void stand_in_moment(const struct cli_behavior *behavior, enum cli_moment moment)
{
	if (behavior->crash == (int)moment) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		abort();
	}
	if (behavior->freeze == (int)moment)
		raise(SIGSTOP);
}

static void reach(const struct stand_in *cli, enum cli_moment moment)
{
	stand_in_moment(cli->options.behavior, moment);
}

static char *make_id(void)
{
	unsigned char r[16] = {0};

	(void)!getrandom(r, sizeof r, 0);
	r[6] = (unsigned char)(0x40 | (r[6] & 0x0f));
	r[8] = (unsigned char)(0x80 | (r[8] & 0x3f));
	return mem_textf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
			 "%02x%02x%02x%02x%02x%02x",
		r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
		r[11], r[12], r[13], r[14], r[15]);
}

/* Adds what every line has, and writes it. */
static void write_line(struct stand_in *cli, cJSON *message)
{
	SCOPED(mem_free) char *uuid = make_id();
	SCOPED(mem_free) char *text = NULL;

	if (cli->options.behavior->mute)
		return;
	json_fill(message, "{'session_id': %s, 'uuid': %s}", cli->session_id, uuid);
	text = json_print(message);
	if (cli->output->queue.len + strlen(text) < STDOUT_LINES_MAX / 2)
		stdout_lines_line(cli->output, text);
}

/* --- the way down --- */

static void on_end(void *arg)
{
	uv_stop(&((struct stand_in *)arg)->loop);
}

static void flush(void *arg)
{
	struct stand_in *cli = arg;

	if (cli->output->blocking || cli->output->queue.len == 0) {
		loop_timer_set(cli->end, 0);
		return;
	}
	stdout_lines_await_clear(cli->output);
	loop_timer_set(cli->end, FLUSH_NS);
}

static void leave(struct stand_in *cli, int exit_code)
{
	const struct cli_behavior *behavior = cli->options.behavior;

	if (cli->leaving)
		return;
	cli->leaving = true;
	cli->exit_code = exit_code;
	stdin_lines_read(cli->input, false);
	if (behavior->leave_mcp)
		flush(cli);
	else
		cli_servers_end(
			cli->servers, behavior->mcp_term_ns, behavior->mcp_kill_ns);
}

static void on_exit_due(void *arg)
{
	struct stand_in *cli = arg;

	leave(cli, cli->exit_code);
}

/* The earliest exit counts. */
static void react(struct stand_in *cli, const struct reaction *reaction, int exit_code)
{
	int64_t after_ns;

	if (reaction->kind == REACTION_SPIN)
		reaction_spin();
	if (reaction->kind != REACTION_EXIT || cli->leaving)
		return;
	after_ns = latency_draw(&reaction->after, cli->options.rng);
	cli->exit_code = exit_code;
	if (after_ns == 0)
		leave(cli, exit_code);
	else if (!loop_timer_is_set(cli->exit))
		loop_timer_set(cli->exit, after_ns);
}

static void react_to_eof(struct stand_in *cli)
{
	const struct cli_behavior *behavior = cli->options.behavior;

	react(cli, &behavior->on_eof, cli->failed ? 1 : (int)behavior->exit_code);
}

static bool is_busy(const struct stand_in *cli)
{
	return cli_turn_is_running(cli->turn) || cli->queue->child;
}

static void on_eof(void *arg)
{
	struct stand_in *cli = arg;
	bool busy = is_busy(cli);

	cli->eof = true;
	log_event("cli.eof", OF(cli), "busy", LOG_BOOL(busy));
	reach(cli, CLI_AT_EOF);
	if (!busy || cli->options.behavior->busy_eof == CLI_BUSY_EOF_ABORT)
		react_to_eof(cli);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct stand_in *cli = handle->data;
	const struct cli_behavior *behavior = cli->options.behavior;

	log_event("cli.signal", OF(cli), "signal", LOG_INT(number), "busy",
		LOG_BOOL(is_busy(cli)));
	if (number == SIGTERM) {
		reach(cli, CLI_AT_TERM);
		react(cli, &behavior->on_term, SIGNAL_EXIT + SIGTERM);
	} else {
		react(cli, &behavior->on_int, (int)behavior->exit_code);
	}
}

/* --- turns --- */

static void say_init(struct stand_in *cli)
{
	SCOPED(json_free) cJSON *message = json_fill(NULL,
		"{'type': 'system', 'subtype': 'init', 'model': %s, "
		"'permissionMode': 'default', 'apiKeySource': 'ANTHROPIC_API_KEY', "
		"'claude_code_version': %s}",
		cli->options.arguments->model, CLI_VERSION);
	cJSON *tools = cJSON_AddArrayToObject(message, "tools");
	const cJSON *tool;
	char folder[4096];

	cJSON_ArrayForEach(tool, cli->tools)
		cJSON_AddItemToArray(
			tools, cJSON_CreateString(json_text(tool, "name")));
	cli_servers_add_status(
		cli->servers, cJSON_AddArrayToObject(message, "mcp_servers"));
	cJSON_AddArrayToObject(message, "slash_commands");
	cJSON_AddStringToObject(
		message, "cwd", getcwd(folder, sizeof folder) ? folder : "");
	write_line(cli, message);
}

/* The next message of the queue, once the servers are there. */
static void go_on(struct stand_in *cli)
{
	SCOPED(json_free) cJSON *content = NULL;

	if (cli->leaving || cli->starting || cli_turn_is_running(cli->turn) ||
		!cli_servers_settled(cli->servers))
		return;
	content = cJSON_DetachItemFromArray(cli->queue, 0);
	if (!content) {
		if (cli->eof)
			react_to_eof(cli);
		return;
	}
	log_event("cli.turn.begin", OF(cli));
	reach(cli, CLI_AT_TURN);
	say_init(cli);
	cli->turn_ns = clock_now();
	cli_turn_begin(cli->turn, content);
}

static void on_settled(void *arg)
{
	struct stand_in *cli = arg;

	while (cli->tools->child)
		cJSON_DeleteItemFromArray(cli->tools, 0);
	cli_servers_add_tools(cli->servers, cli->tools);
	go_on(cli);
}

static void on_answered(void *arg, const cJSON *content, bool is_error)
{
	cli_turn_tool_result(((struct stand_in *)arg)->turn, content, is_error);
}

static void on_servers_ended(void *arg)
{
	flush(arg);
}

static const struct cli_servers_events servers_events = {
	.settled = on_settled, .answered = on_answered, .ended = on_servers_ended};

static void on_say(void *arg, cJSON *message)
{
	write_line(arg, message);
}

static void on_calls(void *arg, const char *tool)
{
	struct stand_in *cli = arg;

	log_event("cli.tool", OF(cli), "tool", LOG_TEXT(tool));
	reach(cli, CLI_AT_TOOL);
}

/* A failed turn is a "success" that is an error, as the real CLI says it. */
static void say_result(
	struct stand_in *cli, enum cli_turn_end end, const char *text, unsigned rounds)
{
	bool interrupted = end == CLI_TURN_INTERRUPTED;
	SCOPED(json_free) cJSON *message = json_fill(NULL,
		"{'type': 'result', 'subtype': %s, 'num_turns': %u, "
		"'duration_ms': %g, 'total_cost_usd': 0, "
		"'usage': {'input_tokens': 1, 'output_tokens': 1}}",
		interrupted ? "error_during_execution" : "success", rounds,
		(double)((clock_now() - cli->turn_ns) / CLOCK_MS));

	cJSON_AddBoolToObject(message, "is_error", end != CLI_TURN_ANSWERED);
	cJSON_AddArrayToObject(message, "permission_denials");
	if (interrupted)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(message, "errors"),
			cJSON_CreateString(text));
	else
		cJSON_AddStringToObject(message, "result", text);
	write_line(cli, message);
}

static void on_turn_ended(
	void *arg, enum cli_turn_end end, const char *text, unsigned rounds)
{
	struct stand_in *cli = arg;

	cli->failed = end != CLI_TURN_ANSWERED;
	log_event("cli.turn.end", OF(cli), "why", LOG_TEXT(cli_turn_end_names[end]));
	say_result(cli, end, text, rounds);
	loop_timer_set(cli->start, 0);
}

static const struct cli_turn_events turn_events = {
	.say = on_say, .calls = on_calls, .ended = on_turn_ended};

/* --- its client's messages --- */

/* Takes response; NULL: the request is refused. */
static void respond(struct stand_in *cli, const char *id, cJSON *response)
{
	SCOPED(json_free) cJSON *message =
		json_fill(NULL, "{'type': 'control_response'}");
	cJSON *outer = cJSON_AddObjectToObject(message, "response");
	SCOPED(mem_free) char *text = NULL;

	json_fill(outer, "{'subtype': %s, 'request_id': %s}",
		response ? "success" : "error", id);
	if (response)
		cJSON_AddItemToObject(outer, "response", response);
	else
		json_fill(
			outer, "{'error': 'the stand-in does not know this request'}");
	if (cli->options.behavior->mute)
		return;
	text = json_print(message);
	stdout_lines_line(cli->output, text);
}

static void on_interrupt(struct stand_in *cli, const char *id)
{
	log_event("cli.interrupted", OF(cli));
	respond(cli, id, json_fill(NULL, "{'still_queued': []}"));
	cli_turn_interrupt(cli->turn);
}

/* The SDKs deliver MCP servers with --mcp-config, or with this request. */
static void on_initialize(struct stand_in *cli, const char *id, const cJSON *request)
{
	const cJSON *servers = json_get(request, "mcpServers");
	cJSON *response = json_fill(NULL,
		"{'commands': [], 'agents': [], 'models': [], "
		"'output_style': 'default', 'available_output_styles': ['default'], "
		"'account': {}, 'claude_code_version': %s}",
		CLI_VERSION);

	log_event("cli.initialized", OF(cli));
	reach(cli, CLI_AT_INITIALIZE);
	if (cJSON_IsObject(servers)) {
		cli_servers_add(cli->servers, servers);
		cJSON_AddTrueToObject(response, "mcp_servers_applied");
	}
	respond(cli, id, response);
}

static void on_request(struct stand_in *cli, const cJSON *json)
{
	/* The SDKs ask for these; nothing depends on them here. */
	static const char *const idle[] = {"set_model", "set_permission_mode",
		"set_max_thinking_tokens", "mcp_status"};
	const char *id = json_text(json, "request_id");
	const char *subtype = json_text(json_get(json, "request"), "subtype");
	bool is_idle = false;

	if (!id || !subtype)
		return;
	for (size_t i = 0; i < COUNT(idle); i++)
		is_idle = is_idle || strcmp(subtype, idle[i]) == 0;
	if (strcmp(subtype, "initialize") == 0) {
		on_initialize(cli, id, json_get(json, "request"));
	} else if (strcmp(subtype, "interrupt") == 0) {
		on_interrupt(cli, id);
	} else {
		respond(cli, id, is_idle ? cJSON_CreateObject() : NULL);
	}
}

static void on_message(struct stand_in *cli, const cJSON *json)
{
	const char *type = json_text(json, "type");
	const cJSON *content = json_get(json_get(json, "message"), "content");

	if (!type)
		return;
	if (strcmp(type, "control_request") == 0)
		on_request(cli, json);
	else if (strcmp(type, "user") == 0 && content &&
		cJSON_GetArraySize(cli->queue) < QUEUE_MAX)
		cJSON_AddItemToArray(cli->queue, cJSON_Duplicate(content, true));
}

/* A line that is no message ends the real CLI, too. */
static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct stand_in *cli = arg;
	SCOPED(json_free) cJSON *json = cut ? NULL : json_parse(line, len);

	if (cli->leaving || len == 0)
		return;
	if (!cJSON_IsObject(json)) {
		log_event("cli.unexpected_input", OF(cli));
		leave(cli, 1);
		return;
	}
	on_message(cli, json);
	go_on(cli);
}

/* --- the program --- */

static void on_start(void *arg)
{
	struct stand_in *cli = arg;

	if (cli->starting)
		stdin_lines_read(cli->input, true);
	cli->starting = false;
	go_on(cli);
}

static void on_clear(void *arg)
{
	struct stand_in *cli = arg;

	if (cli->leaving)
		loop_timer_set(cli->end, 0);
}

static bool begin_signals(struct stand_in *cli, struct err *err)
{
	for (unsigned i = 0; i < HANDLED; i++) {
		int failed = uv_signal_init(&cli->loop, &cli->signals[i]);

		/* Only the first one can fail: it opens the pipe of all. */
		if (failed)
			return err_set(err, "signals: %s", uv_strerror(failed));
		cli->signals[i].data = cli;
		uv_signal_start(&cli->signals[i], on_signal, handled[i]);
	}
	signals_block_only(NULL);
	return true;
}

static void end_signals(struct stand_in *cli)
{
	signals_block_only(handled);
	for (unsigned i = 0; i < HANDLED; i++)
		uv_close((uv_handle_t *)&cli->signals[i], NULL);
}

static bool open_all(struct stand_in *cli, struct err *err)
{
	cli->input = stdin_lines_create(
		&cli->loop, STDIN_FILENO, LINE_CEILING, on_line, on_eof, cli, err);
	cli->output = cli->input ? stdout_lines_create(&cli->loop, STDOUT_FILENO, false,
					   on_clear, cli, err)
				 : NULL;
	if (!cli->output)
		return false;
	cli->servers = cli_servers_start(
		&cli->loop, cli->options.arguments->servers, &servers_events, cli, err);
	if (!cli->servers)
		return false;
	cli->turn = cli_turn_create(
		&(struct cli_turn_options){
			.loop = &cli->loop,
			.model = cli->options.arguments->model,
			.session_id = cli->session_id,
			.tools = cli->tools,
			.servers = cli->servers,
			.events = &turn_events,
			.arg = cli,
		},
		err);
	return cli->turn && begin_signals(cli, err);
}

static void run_loop(struct stand_in *cli)
{
	const struct stand_in_options *options = &cli->options;
	int64_t took_ns = latency_draw(&options->behavior->start, options->rng);
	int64_t left_ns = options->started_ns + took_ns - clock_now();

	cli->starting = true;
	loop_timer_set(cli->start, left_ns > 0 ? left_ns : 0);
	uv_run(&cli->loop, UV_RUN_DEFAULT);
	end_signals(cli);
}

/* Servers that shall be left run on: their handles are not closed. */
static void destroy(struct stand_in *cli)
{
	bool leaves = cli->options.behavior->leave_mcp && cli->leaving;

	loop_timer_destroy(cli->start);
	loop_timer_destroy(cli->exit);
	loop_timer_destroy(cli->end);
	cli_turn_destroy(cli->turn);
	stdin_lines_destroy(cli->input);
	stdout_lines_destroy(cli->output);
	cJSON_Delete(cli->tools);
	cJSON_Delete(cli->queue);
	free(cli->session_id);
	if (leaves)
		return;
	cli_servers_destroy(cli->servers);
	uv_run(&cli->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&cli->loop) != 0)
		assert(!"a handle is open");
}

bool stand_in_run(
	const struct stand_in_options *options, int *exit_code, struct err *err)
{
	struct stand_in *cli = mem_zeroed(sizeof *cli);
	const char *id = options->arguments->session_id;
	int failed = uv_loop_init(&cli->loop);
	bool opened;

	if (failed) {
		free(cli);
		return err_set(err, "event loop: %s", uv_strerror(failed));
	}
	cli->options = *options;
	cli->tools = cJSON_CreateArray();
	cli->queue = cJSON_CreateArray();
	cli->session_id = id ? mem_text(id) : make_id();
	cli->start = loop_timer_create(&cli->loop, on_start, cli);
	cli->exit = loop_timer_create(&cli->loop, on_exit_due, cli);
	cli->end = loop_timer_create(&cli->loop, on_end, cli);
	opened = open_all(cli, err);
	if (opened)
		run_loop(cli);
	*exit_code = cli->exit_code;
	destroy(cli);
	free(cli);
	return opened;
}

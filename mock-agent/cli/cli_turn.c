#include "mock-agent/cli/cli_turn.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/fetch.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/strlist.h"
#include "mock-agent/cli/cli_arguments.h"
#include "mock-agent/cli/cli_servers.h"
#include "mock-agent/cli/reply_stream.h"
#include "mock-agent/session/reply.h"

#define ROUNDS_MAX  200 /* of one turn */
#define MAX_TOKENS  64000
#define INTERRUPTED "[Request interrupted by user]"

const char *const cli_turn_end_names[] = {"answered", "failed", "interrupted"};

struct cli_turn {
	struct cli_turn_options options;
	const char *base_url; /* NULL: it answers by itself */
	struct fetch *fetch;
	struct fetch_call *call; /* NULL: no request is under way */
	struct loop_timer *soon; /* the next step */
	cJSON *messages;         /* the conversation */
	cJSON *reply;            /* the last answer, while its tools are called */
	cJSON *results;          /* of them, so far */
	const cJSON *use;        /* the tool use that is under way, or NULL */
	bool running;
	unsigned rounds;
};

/* Takes content. Gives a copy for the client's line. */
static cJSON *add_message(struct cli_turn *turn, const char *role, cJSON *content)
{
	cJSON *message = json_fill(NULL, "{'role': %s}", role);

	cJSON_AddItemToObject(message, "content", content);
	cJSON_AddItemToArray(turn->messages, message);
	return cJSON_Duplicate(message, true);
}

/* Takes message. */
static void say(struct cli_turn *turn, const char *type, cJSON *message)
{
	SCOPED(json_free) cJSON *line =
		json_fill(NULL, "{'type': %s, 'parent_tool_use_id': null}", type);

	cJSON_AddItemToObject(line, "message", message);
	turn->options.events->say(turn->options.arg, line);
}

static void end(struct cli_turn *turn, enum cli_turn_end how, const char *text)
{
	turn->running = false;
	turn->use = NULL;
	cJSON_Delete(turn->reply);
	cJSON_Delete(turn->results);
	turn->reply = turn->results = NULL;
	turn->options.events->ended(turn->options.arg, how, text, turn->rounds);
}

static const cJSON *next_use(const struct cli_turn *turn)
{
	const cJSON *block =
		turn->use ? turn->use->next : json_get(turn->reply, "content")->child;

	for (; block; block = block->next) {
		const char *type = json_text(block, "type");

		if (type && strcmp(type, "tool_use") == 0 && json_text(block, "name") &&
			json_text(block, "id"))
			return block;
	}
	return NULL;
}

static void end_answered(struct cli_turn *turn)
{
	SCOPED(buf_done) struct buf text = {0};
	const cJSON *block;

	cJSON_ArrayForEach(block, json_get(turn->reply, "content"))
		if (json_text(block, "text"))
			buf_adds(&text, json_text(block, "text"));
	end(turn, CLI_TURN_ANSWERED, buf_text(&text));
}

static void begin_round(struct cli_turn *turn);

/* All tools were called: their results begin the next round. */
static void send_results(struct cli_turn *turn)
{
	cJSON *results = turn->results;

	turn->results = NULL;
	cJSON_Delete(turn->reply);
	turn->reply = NULL;
	say(turn, "user", add_message(turn, "user", results));
	begin_round(turn);
}

static void call_tool(void *arg)
{
	struct cli_turn *turn = arg;
	const char *name;

	turn->use = next_use(turn);
	if (!turn->use) {
		if (turn->results)
			send_results(turn);
		else
			end_answered(turn);
		return;
	}
	name = json_text(turn->use, "name");
	turn->options.events->calls(turn->options.arg, name);
	if (!cli_servers_call(
		    turn->options.servers, name, json_get(turn->use, "input"))) {
		SCOPED(mem_free) char *why =
			mem_textf("Error: No such tool available: %.200s", name);
		SCOPED(json_free) cJSON *content = cJSON_CreateString(why);

		cli_turn_tool_result(turn, content, true);
	}
}

void cli_turn_tool_result(struct cli_turn *turn, const cJSON *content, bool is_error)
{
	cJSON *result;

	if (!turn->use)
		return;
	result = json_fill(NULL, "{'type': 'tool_result', 'tool_use_id': %s}",
		json_text(turn->use, "id"));
	cJSON_AddItemToObject(result, "content", cJSON_Duplicate(content, true));
	if (is_error)
		cJSON_AddTrueToObject(result, "is_error");
	if (!turn->results)
		turn->results = cJSON_CreateArray();
	cJSON_AddItemToArray(turn->results, result);
	loop_timer_set(turn->soon, 0);
}

/* Takes reply. */
static void on_reply(struct cli_turn *turn, cJSON *reply)
{
	cJSON_Delete(add_message(
		turn, "assistant", cJSON_Duplicate(json_get(reply, "content"), true)));
	turn->reply = reply;
	say(turn, "assistant", cJSON_Duplicate(reply, true));
	call_tool(turn);
}

/* As the real CLI words it. */
static void fail(struct cli_turn *turn, long status, const char *why)
{
	SCOPED(mem_free) char *text = status
		? mem_textf("API Error: %ld %.300s", status, why)
		: mem_textf("API Error: %.300s", why);

	end(turn, CLI_TURN_FAILED, text);
}

static void fail_of(struct cli_turn *turn, const struct fetch_result *result)
{
	SCOPED(json_free) cJSON *body =
		json_parse(buf_text(result->body), result->body->len);
	const char *message = json_text(json_get(body, "error"), "message");

	if (result->end != FETCH_ANSWERED)
		fail(turn, 0, result->why);
	else
		fail(turn, result->status, message ? message : "");
}

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct cli_turn *turn = arg;
	struct err err = {0};
	cJSON *reply;

	turn->call = NULL;
	if (result->end != FETCH_ANSWERED || result->status != 200) {
		fail_of(turn, result);
		return;
	}
	reply = reply_stream_read(result->body, &err);
	if (reply)
		on_reply(turn, reply);
	else
		fail(turn, 0, err.text);
}

static char *request_body(const struct cli_turn *turn)
{
	SCOPED(mem_free) char *user = mem_textf(
		"user_stopbench_account__session_%s", turn->options.session_id);
	SCOPED(json_free) cJSON *body = json_fill(NULL,
		"{'model': %s, 'max_tokens': %d, 'metadata': {'user_id': %s}}",
		turn->options.model, MAX_TOKENS, user);

	cJSON_AddTrueToObject(body, "stream");
	cJSON_AddItemReferenceToObject(body, "messages", turn->messages);
	if (turn->options.tools->child)
		cJSON_AddItemReferenceToObject(
			body, "tools", (cJSON *)(uintptr_t)turn->options.tools);
	return json_print(body);
}

static void add_headers(const struct cli_turn *turn, struct strlist *headers)
{
	const char *key = getenv("ANTHROPIC_API_KEY");
	const char *token = getenv("ANTHROPIC_AUTH_TOKEN");

	strlist_add(headers, "content-type: application/json");
	strlist_add(headers, "anthropic-version: 2023-06-01");
	strlist_add(
		headers, "user-agent: claude-cli/%s (external, mock-cli)", CLI_VERSION);
	strlist_add(headers, "x-app: cli");
	strlist_add(headers, "x-claude-code-session-id: %s", turn->options.session_id);
	if (key)
		strlist_add(headers, "x-api-key: %s", key);
	else if (token)
		strlist_add(headers, "authorization: Bearer %s", token);
}

static void ask_api(struct cli_turn *turn)
{
	SCOPED(mem_free) char *url =
		mem_textf("%s/v1/messages?beta=true", turn->base_url);
	SCOPED(mem_free) char *body = request_body(turn);
	SCOPED(strlist_done) struct strlist headers = {0};
	struct err err = {0};

	add_headers(turn, &headers);
	turn->call = fetch_start(turn->fetch,
		&(struct fetch_request){
			.method = "POST",
			.url = url,
			.headers = (const char *const *)headers.item,
			.body = body,
			.body_len = strlen(body),
			.done = on_answer,
			.arg = turn,
		},
		&err);
	if (!turn->call)
		fail(turn, 0, err.text);
}

/* What the mock agent API answers, too. */
static void answer_itself(struct cli_turn *turn)
{
	int last = cJSON_GetArraySize(turn->messages) - 1;
	const cJSON *content =
		json_get(cJSON_GetArrayItem(turn->messages, last), "content");
	const char *said = cJSON_IsString(content)
		? content->valuestring
		: json_text(cJSON_GetArrayItem(content, 0), "text");
	SCOPED(mem_free) char *text = mem_textf(REPLY_OPENING "%s", said ? said : "");
	cJSON *reply = json_fill(NULL,
		"{'id': 'msg_0', 'type': 'message', 'role': 'assistant', 'model': %s, "
		"'stop_reason': 'end_turn', 'usage': {'input_tokens': 1, "
		"'output_tokens': 1}}",
		turn->options.model);

	cJSON_AddItemToArray(cJSON_AddArrayToObject(reply, "content"),
		json_fill(NULL, "{'type': 'text', 'text': %s}", text));
	on_reply(turn, reply);
}

static void begin_round(struct cli_turn *turn)
{
	if (turn->rounds++ == ROUNDS_MAX)
		end(turn, CLI_TURN_FAILED, "too many rounds of tool calls");
	else if (turn->base_url)
		ask_api(turn);
	else
		answer_itself(turn);
}

struct cli_turn *cli_turn_create(
	const struct cli_turn_options *options, struct err *err)
{
	struct cli_turn *turn = mem_zeroed(sizeof *turn);
	const char *url = getenv("ANTHROPIC_BASE_URL");

	turn->options = *options;
	turn->base_url = url && *url ? url : NULL;
	turn->messages = cJSON_CreateArray();
	turn->soon = loop_timer_create(options->loop, call_tool, turn);
	turn->fetch = fetch_create(options->loop, 1, err);
	if (turn->fetch)
		return turn;
	cli_turn_destroy(turn);
	return NULL;
}

bool cli_turn_is_running(const struct cli_turn *turn)
{
	return turn->running;
}

void cli_turn_begin(struct cli_turn *turn, const cJSON *content)
{
	turn->running = true;
	turn->rounds = 0;
	cJSON_Delete(add_message(turn, "user", cJSON_Duplicate(content, true)));
	begin_round(turn);
}

/* The API refuses a conversation with a tool use that has no result. */
static cJSON *take_results(struct cli_turn *turn)
{
	cJSON *results = turn->results ? turn->results : cJSON_CreateArray();

	turn->results = NULL;
	for (; turn->use; turn->use = next_use(turn))
		cJSON_AddItemToArray(results,
			json_fill(NULL,
				"{'type': 'tool_result', 'tool_use_id': %s, "
				"'content': %s}",
				json_text(turn->use, "id"), INTERRUPTED));
	return results;
}

void cli_turn_interrupt(struct cli_turn *turn)
{
	cJSON *content;

	if (!turn->running)
		return;
	if (turn->call)
		fetch_cancel(turn->call);
	turn->call = NULL;
	if (turn->use)
		cli_servers_cancel(turn->options.servers);
	loop_timer_stop(turn->soon);
	content = take_results(turn);
	cJSON_AddItemToArray(
		content, json_fill(NULL, "{'type': 'text', 'text': %s}", INTERRUPTED));
	say(turn, "user", add_message(turn, "user", content));
	end(turn, CLI_TURN_INTERRUPTED, INTERRUPTED);
}

void cli_turn_destroy(struct cli_turn *turn)
{
	if (!turn)
		return;
	fetch_destroy(turn->fetch);
	loop_timer_destroy(turn->soon);
	cJSON_Delete(turn->messages);
	cJSON_Delete(turn->reply);
	cJSON_Delete(turn->results);
	free(turn);
}

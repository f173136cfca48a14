#include "service/test/fake_mcp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define CHANGED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"

static unsigned tool_count = 1;

static cJSON *read_message(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len = getline(&line, &room, stdin);
	cJSON *message = len > 0 ? json_parse(line, (size_t)len - 1) : NULL;

	free(line);
	return message;
}

/* result and error are JSON texts, or NULL. */
static void answer(const cJSON *request, const char *result, const char *error)
{
	SCOPED(mem_free) char *id = json_print(json_get(request, "id"));

	printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}\n", id,
		error ? "error" : "result", error ? error : result);
	fflush(stdout);
}

static void answer_text(const cJSON *request, const char *text)
{
	SCOPED(json_free) cJSON *said = cJSON_CreateString(text);
	SCOPED(mem_free) char *quoted = json_print(said);
	SCOPED(mem_free) char *result =
		mem_textf("{\"content\":[{\"type\":\"text\",\"text\":%s}]}", quoted);

	answer(request, result, NULL);
}

/* Asks the client two things and tells what it said. */
static void ask_client(const cJSON *request)
{
	SCOPED(buf_done) struct buf heard = {0};

	puts("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}");
	puts("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"roots/list\"}");
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		SCOPED(json_free) cJSON *message = read_message();
		SCOPED(mem_free) char *text = NULL;

		cJSON_DeleteItemFromObject(message, "jsonrpc");
		text = json_print(message);
		buf_adds(&heard, text);
	}
	answer_text(request, buf_text(&heard));
}

static void print_long_line(void)
{
	char piece[1 << 16];

	memset(piece, 'x', sizeof piece);
	for (int i = 0; i < 129; i++)
		fwrite(piece, 1, sizeof piece, stdout);
	putchar('\n');
	fflush(stdout);
}

/* Its text is not JSON. */
static void answer_broken(const cJSON *request, const char *text)
{
	printf("{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"content\":"
	       "[{\"type\":\"text\",\"text\":\"%s\"}]}}\n",
		json_get(request, "id")->valueint, text);
	fflush(stdout);
}

static void answer_deep(const cJSON *request)
{
	char open[151], close[151];

	memset(open, '[', sizeof open - 1);
	memset(close, ']', sizeof close - 1);
	open[sizeof open - 1] = close[sizeof close - 1] = '\0';
	printf("{\"result\":{\"content\":[],\"structuredContent\":%s%s},\"id\":%d}\n",
		open, close, json_get(request, "id")->valueint);
	fflush(stdout);
}

/* The client is not to hear of this call: it tells what came next. */
static void keep_silent_until_cancelled(void)
{
	SCOPED(json_free) cJSON *message = read_message();
	SCOPED(mem_free) char *text = json_print(message);

	fprintf(stderr, "%s\n", text);
}

static void call_tool(const cJSON *request)
{
	const cJSON *params = json_get(request, "params");
	const char *tool = json_text(params, "name");
	const char *text = json_text(json_get(params, "arguments"), "text");

	if (strcmp(tool, "echo") == 0) {
		answer_text(request, text ? text : "nothing");
	} else if (strcmp(tool, "parts") == 0) {
		answer(request,
			"{\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
			"{\"type\":\"image\",\"data\":\"AAAA\","
			"\"mimeType\":\"image/png\"},"
			"{\"type\":\"text\",\"text\":\"b\"}]}",
			NULL);
	} else if (strcmp(tool, "fail") == 0) {
		answer(request,
			"{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],"
			"\"isError\":true}",
			NULL);
	} else if (strcmp(tool, "error") == 0) {
		answer(request, NULL, "{\"code\":-32602,\"message\":\"bad\"}");
	} else if (strcmp(tool, "empty") == 0) {
		answer(request, "{}", NULL);
	} else if (strcmp(tool, "twice") == 0) {
		answer_text(request, "once");
		answer_text(request, "twice");
	} else if (strcmp(tool, "garbage") == 0) {
		puts("no JSON\n{\"neither\":1}\n[]\n{\"id\":9999,\"result\":{}}");
		answer_text(request, "after the garbage");
	} else if (strcmp(tool, "long") == 0) {
		print_long_line();
		answer_text(request, "after the long line");
	} else if (strcmp(tool, "nul") == 0) {
		answer_broken(request, "a\\u0000b");
	} else if (strcmp(tool, "bytes") == 0) {
		answer_broken(request, "a\xff\xfe");
	} else if (strcmp(tool, "surrogate") == 0) {
		answer_broken(request, "a\\ud800");
	} else if (strcmp(tool, "newline") == 0) {
		answer_broken(request, "a\nb");
	} else if (strcmp(tool, "deep") == 0) {
		answer_deep(request);
	} else if (strcmp(tool, "huge") == 0) {
		printf("{\"result\":\"");
		print_long_line();
	} else if (strcmp(tool, "grow") == 0) {
		tool_count++;
		puts(CHANGED);
		answer_text(request, "grown");
	} else if (strcmp(tool, "break list") == 0) {
		tool_count = 0;
		puts(CHANGED);
		answer_text(request, "broken");
	} else if (strcmp(tool, "ask") == 0) {
		ask_client(request);
	} else if (strcmp(tool, "silent") == 0) {
		keep_silent_until_cancelled();
	} else if (strcmp(tool, "die") == 0) {
		exit(3);
	} else if (strcmp(tool, "crash") == 0) {
		kill(getpid(), SIGKILL);
	} else if (strcmp(tool, "close") == 0) {
		fclose(stdout);
	}
}

static void answer_tools(const cJSON *request)
{
	SCOPED(buf_done) struct buf result = {0};

	buf_adds(&result, "{\"tools\":[{\"name\":\"echo\"}");
	for (unsigned i = 1; i < tool_count; i++)
		buf_addf(&result, ",{\"name\":\"tool%u\"}", i);
	buf_adds(&result, "]}");
	answer(request, tool_count > 0 ? buf_text(&result) : "{}", NULL);
}

/* The list that is answered is not the last any more. */
static void grow_meanwhile(const cJSON *request)
{
	puts(CHANGED "\n" CHANGED);
	answer_tools(request);
	tool_count++;
}

static void list_tools(const cJSON *request, const char *manner)
{
	const char *cursor = json_text(json_get(request, "params"), "cursor");

	if (strcmp(manner, "no-list") == 0)
		answer(request, NULL, "{\"code\":-32601,\"message\":\"what?\"}");
	else if (strcmp(manner, "bad-list") == 0)
		answer(request, "{\"tools\":7}", NULL);
	else if (strcmp(manner, "list-error") == 0)
		answer(request, NULL, "{\"code\":-32603,\"message\":\"broken\"}");
	else if (strcmp(manner, "endless") == 0)
		answer(request, "{\"tools\":[],\"nextCursor\":\"on\"}", NULL);
	else if (strcmp(manner, "pages") == 0 && !cursor)
		answer(request, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"}",
			NULL);
	else if (strcmp(manner, "pages") == 0)
		answer(request, "{\"tools\":[{\"name\":\"b\"},{\"no\":\"name\"}]}",
			NULL);
	else if (strcmp(manner, "restless") == 0 && tool_count == 1)
		grow_meanwhile(request);
	else
		answer_tools(request);
}

static void initialize(const cJSON *request, const char *manner)
{
	if (strcmp(manner, "old") == 0)
		answer(request, "{\"protocolVersion\":\"2024-11-05\"}", NULL);
	else if (strcmp(manner, "unknown") == 0)
		answer(request, "{\"protocolVersion\":\"1999-01-01\"}", NULL);
	else if (strcmp(manner, "versionless") == 0)
		answer(request, "{}", NULL);
	else if (strcmp(manner, "refuse") == 0)
		answer(request, NULL, "{\"code\":-32600,\"message\":\"go away\"}");
	else if (strcmp(manner, "exit") == 0)
		exit(4);
	else if (strcmp(manner, "close") == 0)
		fclose(stdout);
	else if (strcmp(manner, "mute") != 0)
		answer(request, "{\"protocolVersion\":\"2025-11-25\"}", NULL);
}

int fake_mcp_serve(const char *manner)
{
	bool listening = true;
	cJSON *message;

	if (strcmp(manner, "stubborn") == 0)
		signal(SIGTERM, SIG_IGN);
	fprintf(stderr, "serving\n");
	while (listening && (message = read_message())) {
		const char *method = json_text(message, "method");

		if (strcmp(method, "initialize") == 0)
			initialize(message, manner);
		else if (strcmp(method, "tools/list") == 0)
			list_tools(message, manner);
		else if (strcmp(method, "tools/call") == 0)
			call_tool(message);
		if (strcmp(manner, "deaf") == 0 && strcmp(method, "tools/list") == 0)
			listening = false;
		cJSON_Delete(message);
	}
	while (strcmp(manner, "deaf") == 0 || strcmp(manner, "stubborn") == 0)
		pause();
	return 0;
}

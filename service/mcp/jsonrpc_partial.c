#include "service/mcp/jsonrpc_partial.h"

#include <string.h>

#define DIGITS_MAX 15 /* what a double holds exactly */

struct broken_message {
	const char *text;
	size_t len;
};

static size_t skip_blanks(const struct broken_message *message, size_t at)
{
	while (at < message->len && strchr(" \t\r", message->text[at]) &&
		message->text[at])
		at++;
	return at;
}

/* The place of the closing quote, or of the end of the text. */
static size_t end_of_string(const struct broken_message *message, size_t at)
{
	while (at < message->len && message->text[at] != '"')
		at += message->text[at] == '\\' ? 2 : 1;
	return at < message->len ? at : message->len;
}

/* 0: not a number that we send. */
static int64_t read_number(const struct broken_message *message, size_t at)
{
	int64_t number = 0;
	size_t from = at = skip_blanks(message, at);

	for (; at < message->len && at - from <= DIGITS_MAX; at++) {
		char digit = message->text[at];

		if (digit < '0' || digit > '9')
			break;
		number = number * 10 + (digit - '0');
	}
	at = skip_blanks(message, at);
	if (at == message->len ||
		(message->text[at] != ',' && message->text[at] != '}'))
		return 0;
	return number;
}

/* The place of the value, if the string from..end is a key called name; else 0. */
static size_t value_of(
	const struct broken_message *message, size_t from, size_t end, const char *name)
{
	size_t colon = skip_blanks(message, end + 1);

	if (end - from != strlen(name) ||
		memcmp(message->text + from, name, end - from) != 0)
		return 0;
	return colon < message->len && message->text[colon] == ':' ? colon + 1 : 0;
}

struct jsonrpc_partial jsonrpc_partial_read(const char *text, size_t len)
{
	const struct broken_message message = {text, len};
	struct jsonrpc_partial found = {0};
	bool outcome = false, request = false;
	size_t at = skip_blanks(&message, 0), depth = 1;

	if (at == len || text[at] != '{')
		return found;
	while (++at < len && depth > 0) {
		size_t from = at + 1, value;

		depth += text[at] == '{' || text[at] == '[';
		depth -= text[at] == '}' || text[at] == ']';
		if (text[at] != '"')
			continue;
		at = end_of_string(&message, from);
		if (depth > 1)
			continue;
		outcome |= value_of(&message, from, at, "result") ||
			value_of(&message, from, at, "error");
		request |= value_of(&message, from, at, "method") != 0;
		if ((value = value_of(&message, from, at, "id"))) {
			found.has_id = true;
			found.id = read_number(&message, value);
		}
	}
	found.answer = outcome && !request;
	return found;
}

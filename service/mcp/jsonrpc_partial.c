#include "service/mcp/jsonrpc_partial.h"

#include <string.h>

#define DIGITS_MAX 15 /* what a double holds exactly */

/* A message, or what is left of it. */
struct wreck {
	const char *text;
	size_t len;
};

static size_t skip_blanks(const struct wreck *wreck, size_t at)
{
	while (at < wreck->len && strchr(" \t\r", wreck->text[at]) && wreck->text[at])
		at++;
	return at;
}

/* Where its closing quote is, or the end of everything. */
static size_t end_of_string(const struct wreck *wreck, size_t at)
{
	while (at < wreck->len && wreck->text[at] != '"')
		at += wreck->text[at] == '\\' ? 2 : 1;
	return at < wreck->len ? at : wreck->len;
}

/* 0: it is no number of ours. */
static int64_t read_number(const struct wreck *wreck, size_t at)
{
	int64_t number = 0;
	size_t from = at = skip_blanks(wreck, at);

	for (; at < wreck->len && at - from <= DIGITS_MAX; at++) {
		char digit = wreck->text[at];

		if (digit < '0' || digit > '9')
			break;
		number = number * 10 + (digit - '0');
	}
	at = skip_blanks(wreck, at);
	if (at == wreck->len || (wreck->text[at] != ',' && wreck->text[at] != '}'))
		return 0;
	return number;
}

/* Where the value of the string from..end begins, if that is the key called name; or
 * else 0. */
static size_t value_of(
	const struct wreck *wreck, size_t from, size_t end, const char *name)
{
	size_t colon = skip_blanks(wreck, end + 1);

	if (end - from != strlen(name) ||
		memcmp(wreck->text + from, name, end - from) != 0)
		return 0;
	return colon < wreck->len && wreck->text[colon] == ':' ? colon + 1 : 0;
}

struct jsonrpc_partial jsonrpc_partial_read(const char *text, size_t len)
{
	const struct wreck wreck = {text, len};
	struct jsonrpc_partial found = {0};
	bool outcome = false, request = false;
	size_t at = skip_blanks(&wreck, 0), depth = 1;

	if (at == len || text[at] != '{')
		return found;
	while (++at < len && depth > 0) {
		size_t from = at + 1, value;

		depth += text[at] == '{' || text[at] == '[';
		depth -= text[at] == '}' || text[at] == ']';
		if (text[at] != '"')
			continue;
		at = end_of_string(&wreck, from);
		if (depth > 1)
			continue;
		outcome |= value_of(&wreck, from, at, "result") ||
			value_of(&wreck, from, at, "error");
		request |= value_of(&wreck, from, at, "method") != 0;
		if ((value = value_of(&wreck, from, at, "id"))) {
			found.has_id = true;
			found.id = read_number(&wreck, value);
		}
	}
	found.answer = outcome && !request;
	return found;
}

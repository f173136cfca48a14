#include "lib/json_scan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

#define NESTING_MAX    100
#define NUMBER_LEN_MAX 63 /* cJSON splits a longer one */

static bool scan_value(struct json_scan *scan, size_t place, unsigned depth);

static bool PRINTF(2, 3) stop(struct json_scan *scan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(scan->wrong, sizeof scan->wrong, format, args);
	va_end(args);
	return false;
}

/* NUL at the end: wherever a byte is expected, NUL is as wrong as the end. */
static unsigned char peek(const struct json_scan *scan)
{
	return scan->at < scan->len ? (unsigned char)scan->text[scan->at] : '\0';
}

/* Steps over c when it is next. */
static bool take(struct json_scan *scan, char c)
{
	bool is_next = peek(scan) == (unsigned char)c;

	scan->at += is_next;
	return is_next;
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t character_len(const struct json_scan *scan)
{
	return utf8_decode(NULL, scan->text + scan->at, scan->len - scan->at);
}

static bool begins_with(const struct json_scan *scan, const char *bytes)
{
	size_t len = strlen(bytes);

	return scan->len - scan->at >= len &&
		memcmp(scan->text + scan->at, bytes, len) == 0;
}

static bool is_behind_comma(const struct json_scan *scan)
{
	size_t at = scan->at;

	while (at > 0 && is_space((unsigned char)scan->text[at - 1]))
		at--;
	return at > 0 && scan->text[at - 1] == ',';
}

static bool expected(struct json_scan *scan, const char *what)
{
	size_t len = character_len(scan);

	if (begins_with(scan, "//") || begins_with(scan, "/*"))
		return stop(scan, "a comment: JSON has none");
	if ((peek(scan) == '}' || peek(scan) == ']') && is_behind_comma(scan))
		return stop(scan, "expected %s, found '%c' behind a comma", what,
			peek(scan));
	if (scan->at == scan->len)
		return stop(scan, "expected %s, found the end of the text", what);
	if (len == 0 || peek(scan) < ' ' || peek(scan) == 0x7f)
		return stop(scan, "expected %s, found byte 0x%02x", what, peek(scan));
	return stop(scan, "expected %s, found '%.*s'", what, (int)len,
		scan->text + scan->at);
}

static void skip_space(struct json_scan *scan)
{
	while (is_space(peek(scan)))
		scan->at++;
}

/* Whether surrogates come in pairs is left to cJSON. */
static bool scan_escape(struct json_scan *scan)
{
	size_t start = scan->at++;

	if (peek(scan) != '\0' && strchr("\"\\/bfnrt", peek(scan))) {
		scan->at++;
		return true;
	}
	if (!take(scan, 'u'))
		return expected(scan, "one of \" \\ / b f n r t u after \\");
	for (int i = 0; i < 4; i++, scan->at++)
		if (!isxdigit(peek(scan)))
			return expected(scan, "four hexadecimal digits after \\u");
	if (memcmp(scan->text + start, "\\u0000", 6) != 0)
		return true;
	scan->at = start;
	return stop(scan, "\\u0000 is not allowed in a string");
}

/* Most of a text is one byte a character, and none of its quotes and escapes. */
static void skip_plain(struct json_scan *scan)
{
	size_t at = scan->at;

	while (at < scan->len && scan->text[at] >= ' ' && scan->text[at] < 0x7F &&
		scan->text[at] != '"' && scan->text[at] != '\\')
		at++;
	scan->at = at;
}

static bool scan_string(struct json_scan *scan, const char *what)
{
	if (!take(scan, '"'))
		return expected(scan, what);
	for (skip_plain(scan); !take(scan, '"'); skip_plain(scan)) {
		size_t len = character_len(scan);

		if (scan->at == scan->len)
			return expected(scan, "'\"'");
		if (len == 0)
			return stop(scan, "byte 0x%02x is not UTF-8 here", peek(scan));
		if (peek(scan) < ' ')
			return stop(scan,
				"byte 0x%02x in a string: write it as an escape",
				peek(scan));
		if (peek(scan) != '\\')
			scan->at += len;
		else if (!scan_escape(scan))
			return false;
	}
	return true;
}

static bool scan_digits(struct json_scan *scan)
{
	if (!isdigit(peek(scan)))
		return expected(scan, "a digit");
	while (isdigit(peek(scan)))
		scan->at++;
	return true;
}

/* A digit after a leading 0 is left over, and then an error. */
static bool scan_number(struct json_scan *scan)
{
	size_t start = scan->at;

	take(scan, '-');
	if (!take(scan, '0') && !scan_digits(scan))
		return false;
	if (take(scan, '.') && !scan_digits(scan))
		return false;
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+'))
			take(scan, '-');
		if (!scan_digits(scan))
			return false;
	}
	if (scan->at - start <= NUMBER_LEN_MAX)
		return true;
	scan->at = start;
	return stop(scan, "a number of more than %d characters", NUMBER_LEN_MAX);
}

static bool scan_word(struct json_scan *scan, const char *word)
{
	size_t len = strlen(word);

	if (scan->len - scan->at < len || memcmp(scan->text + scan->at, word, len))
		return expected(scan, "a value");
	scan->at += len;
	return true;
}

/* The members between `{` and `}` or `[` and `]`. */
static bool scan_members(struct json_scan *scan, bool keys, unsigned depth)
{
	char close = keys ? '}' : ']';

	if (depth == NESTING_MAX)
		return stop(scan, "nested more than %d deep", NESTING_MAX);
	scan->at++;
	skip_space(scan);
	if (take(scan, close))
		return true;
	do {
		size_t place;

		skip_space(scan);
		place = scan->at;
		if (keys) {
			if (!scan_string(scan, "a key in double quotes"))
				return false;
			skip_space(scan);
			if (!take(scan, ':'))
				return expected(scan, "':' after the key");
			skip_space(scan);
		}
		if (!scan_value(scan, keys ? place : scan->at, depth + 1))
			return false;
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, close) || expected(scan, keys ? "',' or '}'" : "',' or ']'");
}

static bool scan_any(struct json_scan *scan, unsigned depth)
{
	switch (peek(scan)) {
	case '{':
		return scan_members(scan, true, depth);
	case '[':
		return scan_members(scan, false, depth);
	case '"':
		return scan_string(scan, "a string");
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	}
	if (peek(scan) == '-' || isdigit(peek(scan)))
		return scan_number(scan);
	return expected(scan, "a value");
}

static bool scan_value(struct json_scan *scan, size_t place, unsigned depth)
{
	bool wanted = scan->values++ == scan->wanted;
	size_t start = scan->at;

	if (!scan_any(scan, depth))
		return false;
	if (wanted) {
		scan->place = place;
		scan->value = start;
		scan->value_len = scan->at - start;
	}
	return true;
}

bool json_scan_text(struct json_scan *scan)
{
	if (begins_with(scan, "\xef\xbb\xbf") || begins_with(scan, "\xff\xfe") ||
		begins_with(scan, "\xfe\xff"))
		return stop(
			scan, "a byte order mark: save the text as UTF-8 without one");
	skip_space(scan);
	if (!scan_value(scan, scan->at, 0))
		return false;
	skip_space(scan);
	return scan->at == scan->len || expected(scan, "nothing more");
}

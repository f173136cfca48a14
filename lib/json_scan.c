#include "lib/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

#define NESTING_MAX    100
#define NUMBER_LEN_MAX 63 /* cJSON splits a longer one */

static bool scan_value(struct json_scan *scan, size_t place, unsigned depth);

static bool stop(struct json_scan *scan, const char *format, ...) PRINTF(2, 3);
static bool stop(struct json_scan *scan, const char *format, ...)
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

static size_t character_len(const struct json_scan *scan)
{
	return utf8_len(scan->text + scan->at, scan->len - scan->at);
}

static bool expected(struct json_scan *scan, const char *what)
{
	size_t len = character_len(scan);

	if (scan->at == scan->len)
		return stop(scan, "expected %s, found the end of the text", what);
	if (len == 0 || peek(scan) < ' ' || peek(scan) == 0x7f)
		return stop(scan, "expected %s, found byte 0x%02x", what, peek(scan));
	return stop(scan, "expected %s, found '%.*s'", what, (int)len,
		scan->text + scan->at);
}

static void skip_space(struct json_scan *scan)
{
	while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' ||
		peek(scan) == '\r')
		scan->at++;
}

static bool scan_unit(struct json_scan *scan, unsigned *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = peek(scan);

		if (c >= '0' && c <= '9')
			*unit = *unit << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*unit = *unit << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return expected(scan, "four hexadecimal digits after \\u");
		scan->at++;
	}
	return true;
}

/* Whether surrogates come in pairs is left to cJSON. */
static bool scan_escape(struct json_scan *scan)
{
	size_t start = scan->at++;
	unsigned unit;

	if (peek(scan) != '\0' && strchr("\"\\/bfnrt", peek(scan))) {
		scan->at++;
		return true;
	}
	if (peek(scan) != 'u')
		return expected(scan, "one of \" \\ / b f n r t u after \\");
	scan->at++;
	if (!scan_unit(scan, &unit))
		return false;
	if (unit == 0) {
		scan->at = start;
		return stop(scan, "\\u0000 is not allowed in a string");
	}
	return true;
}

static bool scan_string(struct json_scan *scan, const char *what)
{
	if (peek(scan) != '"')
		return expected(scan, what);
	scan->at++;
	while (peek(scan) != '"') {
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
	scan->at++;
	return true;
}

static bool scan_digits(struct json_scan *scan)
{
	if (peek(scan) < '0' || peek(scan) > '9')
		return expected(scan, "a digit");
	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return true;
}

static bool scan_number(struct json_scan *scan)
{
	size_t start = scan->at;

	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0')
		scan->at++; /* a digit after it is then an error */
	else if (!scan_digits(scan))
		return false;
	if (peek(scan) == '.') {
		scan->at++;
		if (!scan_digits(scan))
			return false;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (!scan_digits(scan))
			return false;
	}
	if (scan->at - start > NUMBER_LEN_MAX) {
		scan->at = start;
		return stop(
			scan, "a number of more than %d characters", NUMBER_LEN_MAX);
	}
	return true;
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
	if (peek(scan) == close) {
		scan->at++;
		return true;
	}
	for (;;) {
		size_t place = scan->at;

		if (keys) {
			if (!scan_string(scan, "a key in double quotes"))
				return false;
			skip_space(scan);
			if (peek(scan) != ':')
				return expected(scan, "':' after the key");
			scan->at++;
			skip_space(scan);
		}
		if (!scan_value(scan, keys ? place : scan->at, depth + 1))
			return false;
		skip_space(scan);
		if (peek(scan) == close) {
			scan->at++;
			return true;
		}
		if (peek(scan) != ',')
			return expected(scan, keys ? "',' or '}'" : "',' or ']'");
		scan->at++;
		skip_space(scan);
	}
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
	if (peek(scan) == '-' || (peek(scan) >= '0' && peek(scan) <= '9'))
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
	if (scan->len >= 3 && !memcmp(scan->text, "\xef\xbb\xbf", 3))
		return stop(
			scan, "a byte order mark: save the text as UTF-8 without one");
	skip_space(scan);
	if (!scan_value(scan, scan->at, 0))
		return false;
	skip_space(scan);
	if (scan->at < scan->len)
		return expected(scan, "nothing more");
	return true;
}

#include "mock-mcp/http/header_value.h"

#include <string.h>

#include "lib/buf.h"

#define BEGIN "=?base64?"
#define END   "?="

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
				     "xyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Appends the bytes of len characters. False: it is no base64 with all its padding. */
static bool decode(const char *text, size_t len, struct buf *bytes)
{
	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		bool last = i + 4 == len;
		unsigned pad = last ? (text[i + 3] == '=') +
				(text[i + 2] == '=' && text[i + 3] == '=')
				    : 0;
		unsigned long group = 0;
		unsigned char out[3];

		for (size_t j = 0; j < 4; j++) {
			int digit = j >= 4 - pad ? 0 : digit_of(text[i + j]);

			if (digit < 0)
				return false;
			group = group << 6 | (unsigned long)digit;
		}
		for (size_t j = 0; j < 3; j++)
			out[j] = (unsigned char)(group >> (16 - 8 * j));
		buf_add(bytes, out, 3 - pad);
	}
	return true;
}

static bool is_plain(const char *header, size_t len)
{
	size_t begin = strlen(BEGIN), end = strlen(END);

	return len < begin + end || strncmp(header, BEGIN, begin) != 0 ||
		strncmp(header + len - end, END, end) != 0;
}

bool header_value_is(const char *header, const char *text)
{
	SCOPED(buf_done) struct buf bytes = {0};
	size_t begin = strlen(BEGIN), end = strlen(END), len;

	/* White space around it is no part of a header's value. */
	header += strspn(header, " \t");
	len = strlen(header);
	while (len > 0 && strchr(" \t", header[len - 1]))
		len--;
	if (is_plain(header, len))
		return len == strlen(text) && !strncmp(header, text, len);
	return decode(header + begin, len - begin - end, &bytes) &&
		bytes.len == strlen(text) && !memcmp(buf_text(&bytes), text, bytes.len);
}

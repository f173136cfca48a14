#include "lib/utf8.h"

#include <string.h>

#include "lib/buf.h"

size_t utf8_decode(uint32_t *point, const char *at, size_t left)
{
	const unsigned char *byte = (const unsigned char *)at;
	uint32_t value;
	size_t len;

	if (left == 0)
		return 0;
	len = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : byte[0] >= 0x80 ? 2 : 1;
	if ((byte[0] >= 0x80 && byte[0] < 0xc2) || byte[0] > 0xf4 || left < len)
		return 0;
	value = len == 1 ? byte[0] : byte[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte[i] & 0x3f);
	}
	if (len == 3 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff)))
		return 0;
	if (len == 4 && (value < 0x10000 || value > 0x10ffff))
		return 0;
	if (point)
		*point = value;
	return len;
}

static bool is_within(uint32_t point, uint32_t first, uint32_t last)
{
	return point >= first && point <= last;
}

static bool is_separator(uint32_t point)
{
	return is_within(point, '\t', '\r') || point == 0x85 || point == 0x2028 ||
		point == 0x2029;
}

bool utf8_is_inert(uint32_t point)
{
	bool control = point < ' ' || is_within(point, 0x7f, 0x9f);
	bool direction = point == 0x61c || is_within(point, 0x200e, 0x200f) ||
		is_within(point, 0x202a, 0x202e) || is_within(point, 0x2066, 0x2069);

	return !control && !direction && !is_separator(point);
}

char *utf8_mend(const char *text, const char *kept)
{
	struct buf mended = {0};
	uint32_t point;

	while (*text) {
		size_t len = utf8_decode(&point, text, SIZE_MAX);

		if (len == 0)
			buf_adds(&mended, UTF8_REPLACEMENT);
		else if (!kept || utf8_is_inert(point) ||
			(len == 1 && strchr(kept, *text)))
			buf_add(&mended, text, len);
		else
			buf_adds(&mended, is_separator(point) ? " " : UTF8_REPLACEMENT);
		text += len ? len : 1;
	}
	return buf_take(&mended);
}

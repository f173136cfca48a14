#include "lib/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Of the character that begins with this byte; 0: none does. */
static size_t length_of(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte < 0xc2 || byte > 0xf4)
		return 0;
	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
}

/* Longer than need be, half a surrogate pair, past U+10FFFF: none of these is one. */
static bool is_character(const unsigned char *byte, size_t len)
{
	uint32_t point = byte[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return false; /* the NUL at the end, too */
		point = point << 6 | (byte[i] & 0x3f);
	}
	if (len == 3)
		return point >= 0x800 && (point < 0xd800 || point > 0xdfff);
	return len < 4 || (point >= 0x10000 && point <= 0x10ffff);
}

char *utf8_repair(const char *text)
{
	struct buf whole = {0};

	while (*text) {
		const unsigned char *byte = (const unsigned char *)text;
		size_t len = length_of(*byte);

		if (len > 0 && is_character(byte, len)) {
			buf_add(&whole, text, len);
			text += len;
		} else {
			buf_adds(&whole, REPLACEMENT);
			text++;
		}
	}
	return buf_take(&whole);
}

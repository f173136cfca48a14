#include "lib/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define FIRST_ROOM ((size_t)64)

void buf_init(struct buf *buf, size_t ceiling)
{
	*buf = (struct buf){.ceiling = ceiling};
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

/* Room for len more bytes and the NUL, or a buf that is full. */
static bool grow(struct buf *buf, size_t len)
{
	size_t ceiling = buf->ceiling ? buf->ceiling : BUF_CEILING;
	size_t room = buf->room ? buf->room : FIRST_ROOM;

	assert(buf->len <= ceiling);
	if (buf->full || len > ceiling - buf->len) {
		buf->full = true;
		return false;
	}
	while (room <= buf->len + len)
		room = room <= ceiling / 2 ? room * 2 : ceiling + 1;
	if (room - 1 > ceiling) /* ceiling + 1 may be 0 */
		room = ceiling + 1;
	if (room > buf->room) {
		buf->data = mem_grown(buf->data, room, 1);
		buf->room = room;
	}
	return true;
}

static bool reserve(struct buf *buf, size_t len)
{
	return (len < buf->room - buf->len && !buf->full) || grow(buf, len);
}

bool buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return false;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return true;
}

bool buf_adds(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args;
	bool added;

	va_start(args, format);
	added = buf_addv(buf, format, args);
	va_end(args);
	return added;
}

/* Formats into the room that there is, and again where that was too small. */
bool buf_addv(struct buf *buf, const char *format, va_list args)
{
	size_t room = buf->full ? 0 : buf->room - buf->len;
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
	if (len < 0)
		buf->full = true;
	else if ((size_t)len >= room && reserve(buf, (size_t)len))
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
	va_end(again);
	if (buf->full || len < 0) {
		if (room > 0)
			buf->data[buf->len] = '\0';
		return false;
	}
	buf->len += (size_t)len;
	return true;
}

bool buf_addi(struct buf *buf, int64_t number)
{
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char digits[24], *end = digits + sizeof digits, *at = end;

	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (number < 0)
		*--at = '-';
	return buf_add(buf, at, (size_t)(end - at));
}

void buf_drop(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == 0)
		return;
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len + 1);
}

void buf_cut(struct buf *buf, size_t len)
{
	if (len >= buf->len)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->full = false;
	if (buf->data)
		buf->data[0] = '\0';
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *text = buf->data ? buf->data : mem_text("");

	buf_init(buf, buf->ceiling);
	return text;
}

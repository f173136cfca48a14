#include "lib/lines.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The room of a longer line is freed after the line. */
#define ROOM_KEPT ((size_t)64 << 10)

/* One byte more than a line may have, for the CR of its end. */
void lines_init(struct lines *lines, size_t ceiling, lines_fn *each, void *arg)
{
	assert(ceiling < SIZE_MAX);
	*lines = (struct lines){.ceiling = ceiling, .each = each, .arg = arg};
	buf_init(&lines->held, ceiling + 1);
}

void lines_done(struct lines *lines)
{
	buf_done(&lines->held);
}

static void hand_over(struct lines *lines, size_t len, bool cut)
{
	buf_add(&lines->held, "", 0); /* gives an empty line its NUL */
	lines->held.data[len] = '\0';
	lines->each(lines->arg, lines->held.data, len, cut);
	if (lines->held.room > ROOM_KEPT) {
		buf_done(&lines->held);
		buf_init(&lines->held, lines->ceiling + 1);
	}
	buf_clear(&lines->held);
}

static bool ends_in_cr(const struct lines *lines)
{
	return lines->held.len > 0 && lines->held.data[lines->held.len - 1] == '\r';
}

static void hold(struct lines *lines, const char *data, size_t len)
{
	size_t room = lines->ceiling + 1 - lines->held.len;

	buf_add(&lines->held, data, len < room ? len : room);
	if (len > room || (lines->held.len > lines->ceiling && !ends_in_cr(lines))) {
		lines->skipping = true;
		hand_over(lines, lines->ceiling, true);
	}
}

static void end_line(struct lines *lines)
{
	if (!lines->skipping)
		hand_over(lines, lines->held.len - ends_in_cr(lines), false);
	lines->skipping = false;
}

void lines_feed(struct lines *lines, const char *data, size_t len)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t part = end ? (size_t)(end - data) : len;
		size_t eaten = end ? part + 1 : part;

		if (!lines->skipping)
			hold(lines, data, part);
		if (end)
			end_line(lines);
		data += eaten;
		len -= eaten;
	}
}

void lines_end(struct lines *lines)
{
	if (lines->held.len > lines->ceiling)
		hand_over(lines, lines->ceiling, true);
	else if (lines->held.len > 0)
		hand_over(lines, lines->held.len, false);
	lines->skipping = false;
}

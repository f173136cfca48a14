#include "lib/sse.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_DIGITS_MAX 9
#define BYTE_ORDER_MARK  "\xef\xbb\xbf"

void sse_init(struct sse *sse, size_t ceiling, sse_event_fn *each, void *arg)
{
	*sse = (struct sse){.each = each, .arg = arg};
	buf_init(&sse->line, ceiling);
	buf_init(&sse->name, ceiling);
	buf_init(&sse->data, ceiling);
	buf_init(&sse->id, ceiling);
	buf_init(&sse->pending_id, ceiling);
}

void sse_done(struct sse *sse)
{
	buf_done(&sse->line);
	buf_done(&sse->name);
	buf_done(&sse->data);
	buf_done(&sse->id);
	buf_done(&sse->pending_id);
}

static void forget_event(struct sse *sse)
{
	buf_clear(&sse->name);
	buf_clear(&sse->data);
	buf_clear(&sse->pending_id);
	sse->has_data = sse->has_id = false;
}

void sse_reset(struct sse *sse)
{
	buf_clear(&sse->line);
	forget_event(sse);
	sse->after_cr = sse->begun = sse->odd = false;
}

static void finish_event(struct sse *sse)
{
	bool named = sse->name.len > 0;

	if (sse->has_id) {
		buf_clear(&sse->id);
		buf_adds(&sse->id, buf_text(&sse->pending_id));
	}
	if (sse->has_data && (named || sse->nameless))
		sse->each(sse->arg, named ? buf_text(&sse->name) : "message",
			buf_text(&sse->data), sse->data.len);
	else if (sse->has_data || named)
		sse->odd = true;
	forget_event(sse);
}

/* The value of the field, or NULL if the line is another field. */
static const char *value_of(const char *line, const char *field)
{
	size_t len = strlen(field);

	if (strncmp(line, field, len) != 0)
		return NULL;
	line += len;
	if (*line == '\0')
		return line;
	if (*line != ':')
		return NULL;
	return line[1] == ' ' ? line + 2 : line + 1;
}

/* Digits alone; anything else is ignored. */
static void read_retry(struct sse *sse, const char *value)
{
	if (*value && strspn(value, "0123456789") == strlen(value) &&
		strlen(value) <= RETRY_DIGITS_MAX)
		sse->retry_ms = strtoll(value, NULL, 10);
}

static bool read_field(struct sse *sse, const char *line)
{
	const char *value;

	if ((value = value_of(line, "event"))) {
		buf_clear(&sse->name);
		return buf_adds(&sse->name, value);
	}
	if ((value = value_of(line, "data"))) {
		if (sse->has_data && !buf_adds(&sse->data, "\n"))
			return false;
		sse->has_data = true;
		return buf_adds(&sse->data, value);
	}
	if ((value = value_of(line, "id"))) {
		buf_clear(&sse->pending_id);
		sse->has_id = true;
		return buf_adds(&sse->pending_id, value);
	}
	if ((value = value_of(line, "retry")))
		read_retry(sse, value);
	else if (*line != ':')
		sse->odd = true;
	return true;
}

static bool finish_line(struct sse *sse)
{
	const char *line = buf_text(&sse->line);
	bool fits = true;

	if (!sse->begun && strncmp(line, BYTE_ORDER_MARK, 3) == 0)
		line += 3;
	sse->begun = true;
	if (*line == '\0')
		finish_event(sse);
	else
		fits = read_field(sse, line);
	buf_clear(&sse->line);
	return fits;
}

bool sse_feed(struct sse *sse, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		size_t piece = 0;

		if (sse->after_cr && *data == '\n') {
			sse->after_cr = false;
			data++;
			continue;
		}
		sse->after_cr = false;
		while (data + piece < end && data[piece] != '\n' && data[piece] != '\r')
			piece++;
		if (!buf_add(&sse->line, data, piece))
			return false;
		data += piece;
		if (data == end)
			break;
		sse->after_cr = *data == '\r';
		data++;
		if (!finish_line(sse))
			return false;
	}
	return true;
}

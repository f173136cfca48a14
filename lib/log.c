#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"

#define LINE_CEILING ((size_t)64 << 10)
#define ESCAPE_SIZE  8
#define REPLACEMENT  "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS     "\xE2\x80\xA6"

/* Where lines go: the one global of the project. */
static struct {
	int fd;
	bool no_socket; /* it has told us */
} destination = {.fd = STDERR_FILENO};

void log_to(int fd)
{
	destination.fd = fd;
	destination.no_socket = false;
}

static bool within(unsigned char byte, unsigned char low, unsigned char high)
{
	return byte >= low && byte <= high;
}

/* The second byte is what rules out overlong forms, surrogates and what is beyond
 * U+10FFFF. */
static unsigned char lowest_second(unsigned char first)
{
	return first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
}

static unsigned char highest_second(unsigned char first)
{
	return first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
}

/* The bytes of the character at `at`, 0 when it is not UTF-8. A NUL ends every
 * sequence. */
static size_t character_len(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;
	size_t len;

	if (byte[0] < 0x80)
		return 1;
	if (within(byte[0], 0xC2, 0xDF))
		len = 2;
	else if (within(byte[0], 0xE0, 0xEF))
		len = 3;
	else if (within(byte[0], 0xF0, 0xF4))
		len = 4;
	else
		return 0;
	if (!within(byte[1], lowest_second(byte[0]), highest_second(byte[0])))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!within(byte[i], 0x80, 0xBF))
			return 0;
	return len;
}

/* What stands in JSON for the character at `at`, of len bytes. */
static size_t escape(char out[ESCAPE_SIZE], const char *at, size_t len)
{
	unsigned char byte = (unsigned char)*at;

	if (len == 0)
		return (size_t)snprintf(out, ESCAPE_SIZE, "%s", REPLACEMENT);
	if (byte == '"' || byte == '\\')
		return (size_t)snprintf(out, ESCAPE_SIZE, "\\%c", byte);
	if (byte == '\n')
		return (size_t)snprintf(out, ESCAPE_SIZE, "\\n");
	if (byte == '\t')
		return (size_t)snprintf(out, ESCAPE_SIZE, "\\t");
	if (byte < 0x20 || byte == 0x7F)
		return (size_t)snprintf(out, ESCAPE_SIZE, "\\u%04x", byte);
	memcpy(out, at, len);
	return len;
}

/* As much of the text as `limit` bytes of line can hold. */
static bool add_text(struct buf *line, const char *text, size_t limit)
{
	char piece[ESCAPE_SIZE];
	size_t used = 0;

	if (!text)
		return buf_adds(line, "null");
	buf_adds(line, "\"");
	while (*text) {
		size_t len = character_len(text);
		size_t size = escape(piece, text, len);

		used += size;
		if (used > limit) {
			buf_adds(line, ELLIPSIS);
			break;
		}
		if (!buf_add(line, piece, size))
			break;
		text += len ? len : 1;
	}
	return buf_adds(line, "\"");
}

static bool compose(struct buf *line, size_t limit, const char *event, va_list args)
{
	char wall[CLOCK_WALL_SIZE];
	const char *name;
	va_list fields;

	clock_wall(wall);
	buf_clear(line);
	buf_addf(line, "{\"ns\":%" PRId64 ",\"time\":\"%s\",\"pid\":%d,\"event\":",
		clock_now(), wall, (int)getpid());
	add_text(line, event, limit);
	va_copy(fields, args);
	while ((name = va_arg(fields, const char *))) {
		buf_adds(line, ",");
		add_text(line, name, LINE_CEILING);
		buf_adds(line, ":");
		switch ((enum log_kind)va_arg(fields, int)) {
		case LOG_KIND_INT:
			buf_addf(line, "%" PRId64, va_arg(fields, int64_t));
			break;
		case LOG_KIND_TEXT:
			add_text(line, va_arg(fields, const char *), limit);
			break;
		case LOG_KIND_BOOL:
			buf_adds(line, va_arg(fields, int) ? "true" : "false");
			break;
		}
	}
	va_end(fields);
	return buf_adds(line, "}\n");
}

/* Cuts the longest texts to one length, the greatest with which the line fits. */
static bool compose_cut(struct buf *line, const char *event, va_list args)
{
	size_t fits = 0, passes = LINE_CEILING;

	while (passes - fits > 1) {
		size_t limit = fits + (passes - fits) / 2;

		if (compose(line, limit, event, args))
			fits = limit;
		else
			passes = limit;
	}
	return compose(line, fits, event, args);
}

/* A peer that has gone must not end us with SIGPIPE where we can help it. */
static ssize_t write_some(const char *data, size_t len)
{
	if (!destination.no_socket) {
		ssize_t sent = send(destination.fd, data, len, MSG_NOSIGNAL);

		if (sent >= 0 || errno != ENOTSOCK)
			return sent;
		destination.no_socket = true;
	}
	return write(destination.fd, data, len);
}

/* Waits like a blocking write also where the descriptor is not blocking: whoever
 * shares a pipe with us may have made it so. */
static void write_line(const char *data, size_t len)
{
	struct pollfd writable = {.fd = destination.fd, .events = POLLOUT};

	while (len > 0) {
		ssize_t written = write_some(data, len);

		if (written >= 0) {
			data += written;
			len -= (size_t)written;
		} else if (errno == EAGAIN) {
			poll(&writable, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

void log_fields(const char *event, ...)
{
	SCOPED(buf_done) struct buf line;
	int saved = errno;
	va_list args;

	buf_init(&line, LINE_CEILING);
	va_start(args, event);
	if (compose(&line, LINE_CEILING, event, args) ||
		compose_cut(&line, event, args))
		write_line(line.data, line.len);
	va_end(args);
	errno = saved;
}

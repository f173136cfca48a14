#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/utf8.h"

#define LINE_CEILING ((size_t)64 << 10)
#define ESCAPE_SIZE  8
#define ELLIPSIS     "\xE2\x80\xA6"

/* Where lines go: the only global of the project. */
static struct {
	int fd;
	bool no_socket;      /* send(2) failed with ENOTSOCK */
	int64_t patience_ns; /* 0: endless */
	int64_t deadline_ns; /* of the line that is being written; 0: none */
	uint64_t lost;       /* lines since the last one written whole */
	bool torn;           /* a part of the last lost line was written */
} destination = {.fd = STDERR_FILENO};

void log_to(int fd)
{
	destination.fd = fd;
	destination.no_socket = false;
	destination.lost = 0;
	destination.torn = false;
}

void log_patience(int64_t patience_ns)
{
	destination.patience_ns = patience_ns;
}

/* What stands in JSON for the character at `at`, of len bytes. */
static size_t escape(char out[ESCAPE_SIZE], const char *at, size_t len)
{
	unsigned char byte = (unsigned char)*at;

	if (len == 0)
		return (size_t)snprintf(out, ESCAPE_SIZE, "%s", UTF8_REPLACEMENT);
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

/* Adds as much of the text as `limit` bytes of the line can hold. */
static bool add_text(struct buf *line, const char *text, size_t limit)
{
	char piece[ESCAPE_SIZE];
	size_t used = 0;

	if (!text)
		return buf_adds(line, "null");
	buf_adds(line, "\"");
	while (*text) {
		size_t len = utf8_decode(NULL, text, SIZE_MAX);
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

/* Cuts the longest texts to one length, the greatest that lets the line fit. */
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

/* A socket whose peer has closed it gives an error instead of SIGPIPE. */
static ssize_t write_some(const char *data, size_t len)
{
	int flags = MSG_NOSIGNAL | (destination.patience_ns ? MSG_DONTWAIT : 0);

	if (!destination.no_socket) {
		ssize_t sent = send(destination.fd, data, len, flags);

		if (sent >= 0 || errno != ENOTSOCK)
			return sent;
		destination.no_socket = true;
	}
	return write(destination.fd, data, len);
}

/* False at the deadline of the line. An error of the reader shows when it is written.
 */
static bool await_room(void)
{
	struct pollfd writable = {.fd = destination.fd, .events = POLLOUT};
	int timeout = -1, ready;

	do {
		int64_t left_ns = destination.deadline_ns - clock_now();

		if (destination.deadline_ns)
			timeout = left_ns > 0 ? (int)clock_ms_up(left_ns) : 0;
		ready = poll(&writable, 1, timeout);
	} while (ready < 0 && errno == EINTR);
	return ready != 0;
}

/*
 * Waits like a blocking write even on a nonblocking descriptor, because any process
 * that shares the pipe may have made it so. On a blocking one a write of PIPE_BUF bytes
 * does not block when poll calls the pipe writable. False at the deadline.
 */
static bool write_all(const char *data, size_t len)
{
	while (len > 0) {
		size_t piece =
			destination.deadline_ns && len > PIPE_BUF ? PIPE_BUF : len;
		ssize_t written;

		if (destination.deadline_ns && !await_room())
			return false;
		written = write_some(data, piece);
		if (written >= 0) {
			data += written;
			len -= (size_t)written;
			destination.torn = len > 0;
		} else if (errno == EAGAIN) {
			if (!await_room())
				return false;
		} else if (errno != EINTR) {
			return true;
		}
	}
	return true;
}

/* Sets the deadline of a line that begins now. */
static void begin_line(void)
{
	destination.deadline_ns = 0;
	if (destination.patience_ns)
		destination.deadline_ns =
			clock_now() + (destination.lost ? 0 : destination.patience_ns);
}

/* A reader that continues finds whole lines, and how many are missing. */
static void log_gap(void)
{
	uint64_t lost = destination.lost;

	destination.lost = 0;
	log_event("log.lost", "lines", LOG_INT(lost));
	if (destination.lost > 0)
		destination.lost = lost;
}

void log_fields(const char *event, ...)
{
	SCOPED(buf_done) struct buf line;
	int saved = errno;
	va_list args;

	begin_line();
	if (destination.lost > 0 && await_room())
		log_gap();
	buf_init(&line, LINE_CEILING);
	va_start(args, event);
	if (compose(&line, LINE_CEILING, event, args) ||
		compose_cut(&line, event, args)) {
		begin_line();
		if ((destination.torn && !write_all("\n", 1)) ||
			!write_all(line.data, line.len))
			destination.lost++;
	}
	va_end(args);
	errno = saved;
}

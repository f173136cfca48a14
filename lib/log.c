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
#define GATHERED_MAX ((size_t)64 << 10)

/* Where lines go: the only global of the project. */
static struct {
	int fd;
	bool no_socket;      /* send(2) failed with ENOTSOCK */
	int64_t patience_ns; /* 0: endless */
	int64_t deadline_ns; /* of the line that is being written; 0: none */
	uint64_t lost;       /* lines since the last one written whole */
	bool torn;           /* a part of the last lost line was written */
	bool gathers;        /* lines wait for log_flush() */
	struct buf gathered;
	struct buf line; /* while it gathers: the one that is composed */
	int pid;         /* while it gathers */
} destination = {.fd = STDERR_FILENO};

void log_to(int fd)
{
	log_flush();
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

static bool is_plain(char byte)
{
	return byte >= ' ' && byte < 0x7F && byte != '"' && byte != '\\';
}

static size_t plain_len(const char *text)
{
	size_t len = 0;

	while (is_plain(text[len]))
		len++;
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
		size_t len = plain_len(text), size;

		if (len > limit - used)
			len = limit - used;
		if (len > 0) {
			if (!buf_add(line, text, len))
				break;
			used += len;
			text += len;
			continue;
		}
		len = utf8_decode(NULL, text, SIZE_MAX);
		size = escape(piece, text, len);
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
	buf_adds(line, "{\"ns\":");
	buf_addi(line, clock_now());
	buf_adds(line, ",\"time\":\"");
	buf_adds(line, wall);
	buf_adds(line, "\",\"pid\":");
	buf_addi(line, destination.gathers ? destination.pid : getpid());
	buf_adds(line, ",\"event\":");
	add_text(line, event, limit);
	va_copy(fields, args);
	while ((name = va_arg(fields, const char *))) {
		buf_adds(line, ",");
		add_text(line, name, LINE_CEILING);
		buf_adds(line, ":");
		switch ((enum log_kind)va_arg(fields, int)) {
		case LOG_KIND_INT:
			buf_addi(line, va_arg(fields, int64_t));
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
 * does not block when poll calls the pipe writable. Gives the bytes that were left at
 * the deadline.
 */
static size_t write_all(const char *data, size_t len)
{
	while (len > 0) {
		size_t piece =
			destination.deadline_ns && len > PIPE_BUF ? PIPE_BUF : len;
		ssize_t written;

		if (destination.deadline_ns && !await_room())
			return len;
		written = write_some(data, piece);
		if (written >= 0) {
			data += written;
			len -= (size_t)written;
			destination.torn = data[-1] != '\n';
		} else if (errno == EAGAIN) {
			if (!await_room())
				return len;
		} else if (errno != EINTR) {
			return 0;
		}
	}
	return 0;
}

/* Sets the deadline of lines that are written now. */
static void begin_lines(void)
{
	destination.deadline_ns = 0;
	if (destination.patience_ns)
		destination.deadline_ns =
			clock_now() + (destination.lost ? 0 : destination.patience_ns);
}

static void write_lines(const char *lines, size_t len)
{
	size_t left = len;

	begin_lines();
	if (!destination.torn || write_all("\n", 1) == 0)
		left = write_all(lines, len);
	for (lines += len - left; left > 0; left--)
		destination.lost += *lines++ == '\n';
}

/* A reader that continues finds whole lines, and how many are missing. */
static void log_gap(void)
{
	bool gathers = destination.gathers;
	uint64_t lost = destination.lost;

	begin_lines();
	if (lost == 0 || !await_room())
		return;
	destination.lost = 0;
	destination.gathers = false;
	log_event("log.lost", "lines", LOG_INT(lost));
	destination.gathers = gathers;
	if (destination.lost > 0)
		destination.lost = lost;
}

void log_gather(bool gathers)
{
	log_flush();
	destination.gathers = gathers;
	destination.pid = getpid();
	if (gathers)
		return;
	buf_done(&destination.gathered);
	buf_done(&destination.line);
}

void log_flush(void)
{
	int saved = errno;

	if (destination.gathered.len == 0)
		return;
	log_gap();
	write_lines(destination.gathered.data, destination.gathered.len);
	buf_clear(&destination.gathered);
	errno = saved;
}

static void put_line(const struct buf *line)
{
	if (destination.gathers) {
		buf_add(&destination.gathered, line->data, line->len);
		if (destination.gathered.len > GATHERED_MAX)
			log_flush();
		return;
	}
	log_gap();
	write_lines(line->data, line->len);
}

void log_fields(const char *event, ...)
{
	SCOPED(buf_done) struct buf own = {0};
	struct buf *line = destination.gathers ? &destination.line : &own;
	int saved = errno;
	va_list args;

	line->ceiling = LINE_CEILING;
	va_start(args, event);
	if (compose(line, LINE_CEILING, event, args) || compose_cut(line, event, args))
		put_line(line);
	va_end(args);
	errno = saved;
}

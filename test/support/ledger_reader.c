#include "test/support/ledger_reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "test/support/until.h"

#define LINE_CEILING ((size_t)128 << 10)
#define BACKLOG      1024

/* The reader's end of one lifeline. */
struct ledger_peer {
	struct ledger_reader *reader;
	struct ledger_peer *prev, *next;
	int fd; /* -1: closed */
	pid_t pid;
	struct lines lines;
};

struct ledger_record {
	struct ledger_record *prev, *next;
	pid_t pid; /* 0: it came by another way */
	char *text;
	cJSON *json;
};

struct ledger_reader {
	int epoll, listener;
	struct ledger_peer *peers;
	struct ledger_record *lines;
	struct ledger_record *last_given; /* by ledger_reader_next() */
	unsigned total;
};

static void watch(struct ledger_reader *reader, int fd, void *peer)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	assert_int_equal(epoll_ctl(reader->epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

struct ledger_reader *ledger_reader_create(const char *path)
{
	struct ledger_reader *reader = mem_zeroed(sizeof *reader);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	reader->epoll = epoll_create1(EPOLL_CLOEXEC);
	reader->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(reader->listener >= 0);
	assert_int_equal(
		bind(reader->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(reader->listener, BACKLOG), 0);
	watch(reader, reader->listener, NULL);
	return reader;
}

static void add_line(struct ledger_reader *reader, pid_t pid, const char *text)
{
	struct ledger_record *line = mem_zeroed(sizeof *line);

	line->pid = pid;
	line->text = mem_text(text);
	line->json = json_parse(text, strlen(text));
	DL_APPEND(reader->lines, line);
	reader->total++;
	if (getenv("LEDGER_PRINT"))
		fprintf(stderr, "%s\n", text);
}

void ledger_reader_add(void *reader, char *line, size_t len UNUSED, bool cut)
{
	assert_false(cut);
	add_line(reader, 0, line);
}

static void on_line(void *arg, char *line, size_t len UNUSED, bool cut)
{
	const struct ledger_peer *peer = arg;

	assert_false(cut);
	add_line(peer->reader, peer->pid, line);
}

static void accept_peer(struct ledger_reader *reader)
{
	struct ledger_peer *peer;
	struct ucred who;
	socklen_t len = sizeof who;
	int fd = accept4(reader->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
	peer = mem_zeroed(sizeof *peer);
	*peer = (struct ledger_peer){.reader = reader, .fd = fd, .pid = who.pid};
	lines_init(&peer->lines, LINE_CEILING, on_line, peer);
	DL_APPEND(reader->peers, peer);
	watch(reader, fd, peer);
}

static void close_peer(struct ledger_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

static void read_peer(struct ledger_peer *peer)
{
	char data[65536];
	ssize_t len = read(peer->fd, data, sizeof data);

	if (len > 0) {
		lines_feed(&peer->lines, data, (size_t)len);
	} else if (len == 0 || errno != EAGAIN) {
		lines_end(&peer->lines);
		close_peer(peer);
	}
}

int ledger_reader_fd(const struct ledger_reader *reader)
{
	return reader->epoll;
}

bool ledger_reader_turn(struct ledger_reader *reader, int timeout_ms)
{
	struct epoll_event events[64];
	int count = epoll_wait(reader->epoll, events, COUNT(events), timeout_ms);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			read_peer(events[i].data.ptr);
		else
			accept_peer(reader);
	}
	return count > 0;
}

void ledger_reader_clear(struct ledger_reader *reader)
{
	struct ledger_record *line, *next;

	DL_FOREACH_SAFE(reader->lines, line, next) {
		cJSON_Delete(line->json);
		free(line->text);
		free(line);
	}
	reader->lines = reader->last_given = NULL;
	reader->total = 0;
}

void ledger_reader_print(const struct ledger_reader *reader)
{
	for (const struct ledger_record *line = reader->lines; line; line = line->next)
		fprintf(stderr, "%s\n", line->text);
}

static bool is_named(const struct ledger_record *line, const char *name)
{
	const char *event = json_text(line->json, "event");

	return event && strcmp(event, name) == 0;
}

static bool is_equal(const cJSON *member, const char *value)
{
	SCOPED(mem_free) char *text = NULL;

	if (cJSON_IsString(member))
		return strcmp(member->valuestring, value) == 0;
	text = member ? json_print(member) : NULL;
	return text && strcmp(text, value) == 0;
}

const cJSON *ledger_reader_find(
	const struct ledger_reader *reader, pid_t pid, const char *name, unsigned nth)
{
	for (const struct ledger_record *line = reader->lines; line;
		line = line->next) {
		if ((pid == 0 || line->pid == pid) && is_named(line, name) &&
			--nth == 0)
			return line->json;
	}
	return NULL;
}

unsigned ledger_reader_count(const struct ledger_reader *reader, const char *name,
	const char *key, const char *value)
{
	unsigned count = 0;

	for (const struct ledger_record *line = reader->lines; line; line = line->next)
		count += is_named(line, name) &&
			(!key || is_equal(json_get(line->json, key), value));
	return count;
}

unsigned ledger_reader_total(const struct ledger_reader *reader)
{
	return reader->total;
}

const char *ledger_reader_line(
	const struct ledger_reader *reader, const char *text, unsigned nth)
{
	for (const struct ledger_record *line = reader->lines; line;
		line = line->next) {
		if (strstr(line->text, text) && --nth == 0)
			return line->text;
	}
	return NULL;
}

/* The line after the one that was given last, or NULL. */
static struct ledger_record *line_ahead(const struct ledger_reader *reader)
{
	return reader->last_given ? reader->last_given->next : reader->lines;
}

const char *ledger_reader_next(struct ledger_reader *reader, const char *text)
{
	int64_t deadline_ns = until_deadline();

	for (;;) {
		struct ledger_record *line = line_ahead(reader);

		if (line) {
			reader->last_given = line;
			if (strstr(line->text, text))
				return line->text;
		} else if (clock_now() > deadline_ns ||
			(reader->peers && !ledger_reader_is_open(reader, 0))) {
			ledger_reader_print(reader);
			fail_msg("no line with %s in the ledger", text);
		} else {
			ledger_reader_turn(reader, 1000);
		}
	}
}

bool ledger_reader_is_open(const struct ledger_reader *reader, pid_t pid)
{
	for (const struct ledger_peer *peer = reader->peers; peer; peer = peer->next) {
		if (peer->fd >= 0 && (pid == 0 || peer->pid == pid))
			return true;
	}
	return false;
}

void ledger_reader_kill_peers(const struct ledger_reader *reader)
{
	for (const struct ledger_peer *peer = reader->peers; peer; peer = peer->next) {
		if (peer->fd >= 0)
			kill(peer->pid, SIGKILL);
	}
}

void ledger_reader_close(struct ledger_reader *reader)
{
	for (struct ledger_peer *peer = reader->peers; peer; peer = peer->next)
		close_peer(peer);
	if (reader->listener >= 0)
		close(reader->listener);
	reader->listener = -1;
}

void ledger_reader_destroy(struct ledger_reader *reader)
{
	struct ledger_peer *peer, *next;

	ledger_reader_close(reader);
	ledger_reader_clear(reader);
	DL_FOREACH_SAFE(reader->peers, peer, next) {
		lines_done(&peer->lines);
		free(peer);
	}
	close(reader->epoll);
	free(reader);
}

#include "mock-mcp/test/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define EVENTS_MAX   4096
#define LINE_CEILING 65536

/* One process's lifeline, from our end. */
struct wire {
	struct mcp_ledger *ledger;
	int fd; /* -1: cut */
	pid_t pid;
	struct lines lines;
};

struct ledger_event {
	pid_t pid;
	cJSON *root;
};

struct mcp_ledger {
	int listener;
	struct wire wires[LEDGER_LINES_MAX];
	unsigned wire_count;
	struct ledger_event events[EVENTS_MAX];
	unsigned event_count;
};

struct mcp_ledger *ledger_create(const char *path)
{
	struct mcp_ledger *ledger = mem_zeroed(sizeof *ledger);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ledger->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(ledger->listener >= 0);
	assert_int_equal(
		bind(ledger->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(ledger->listener, LEDGER_LINES_MAX), 0);
	return ledger;
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct wire *wire = arg;
	struct mcp_ledger *ledger = wire->ledger;
	cJSON *root = json_parse(line, len);

	assert_false(cut);
	assert_non_null(root);
	assert_true(ledger->event_count < EVENTS_MAX);
	ledger->events[ledger->event_count++] = (struct ledger_event){wire->pid, root};
}

static void accept_wire(struct mcp_ledger *ledger)
{
	struct ucred who;
	socklen_t len = sizeof who;
	struct wire *wire = &ledger->wires[ledger->wire_count];
	int fd = accept4(ledger->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	assert_true(ledger->wire_count < LEDGER_LINES_MAX);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
	wire->ledger = ledger;
	wire->fd = fd;
	wire->pid = who.pid;
	lines_init(&wire->lines, LINE_CEILING, on_line, wire);
	ledger->wire_count++;
}

static void read_wire(struct wire *wire)
{
	char piece[4096];
	ssize_t len = read(wire->fd, piece, sizeof piece);

	if (len > 0) {
		lines_feed(&wire->lines, piece, (size_t)len);
	} else if (len == 0 || errno != EAGAIN) {
		close(wire->fd);
		wire->fd = -1;
	}
}

unsigned ledger_poll(const struct mcp_ledger *ledger, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ledger->listener, POLLIN, 0};
	for (unsigned i = 0; i < ledger->wire_count; i++)
		fds[1 + i] = (struct pollfd){ledger->wires[i].fd, POLLIN, 0};
	return 1 + ledger->wire_count;
}

void ledger_turn(struct mcp_ledger *ledger, const struct pollfd *fds, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (fds[i].revents)
			read_wire(&ledger->wires[i - 1]);
	if (fds[0].revents)
		accept_wire(ledger);
}

const cJSON *ledger_event(
	const struct mcp_ledger *ledger, pid_t pid, const char *name, unsigned nth)
{
	for (unsigned i = 0; i < ledger->event_count; i++) {
		const struct ledger_event *event = &ledger->events[i];

		if ((pid == 0 || event->pid == pid) &&
			!strcmp(json_text(event->root, "event"), name) && --nth == 0)
			return event->root;
	}
	return NULL;
}

bool ledger_has_line(const struct mcp_ledger *ledger, pid_t pid)
{
	for (unsigned i = 0; i < ledger->wire_count; i++)
		if (ledger->wires[i].pid == pid && ledger->wires[i].fd >= 0)
			return true;
	return false;
}

pid_t ledger_someone(const struct mcp_ledger *ledger)
{
	for (unsigned i = 0; i < ledger->wire_count; i++)
		if (ledger->wires[i].fd >= 0)
			return ledger->wires[i].pid;
	return 0;
}

void ledger_kill(const struct mcp_ledger *ledger)
{
	for (unsigned i = 0; i < ledger->wire_count; i++)
		if (ledger->wires[i].fd >= 0)
			kill(ledger->wires[i].pid, SIGKILL);
}

void ledger_close(struct mcp_ledger *ledger)
{
	for (unsigned i = 0; i < ledger->wire_count; i++) {
		if (ledger->wires[i].fd >= 0)
			close(ledger->wires[i].fd);
		ledger->wires[i].fd = -1;
	}
	if (ledger->listener >= 0)
		close(ledger->listener);
	ledger->listener = -1;
}

void ledger_destroy(struct mcp_ledger *ledger)
{
	ledger_close(ledger);
	for (unsigned i = 0; i < ledger->wire_count; i++)
		lines_done(&ledger->wires[i].lines);
	for (unsigned i = 0; i < ledger->event_count; i++)
		cJSON_Delete(ledger->events[i].root);
	free(ledger);
}

#include "harness/run/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define LINE_CEILING ((size_t)128 << 10)

/* One process's connection. */
struct ledger_writer {
	struct ledger *ledger;
	struct ledger_writer *next;
	uv_pipe_t pipe;
	struct lines lines;
	int index; /* of its lifeline in the evidence */
};

struct ledger {
	uv_loop_t *loop;
	struct evidence *evidence;
	char *address;
	uv_pipe_t listener;
	struct ledger_writer *open;
	ledger_event_fn *heard; /* NULL: nobody listens */
	void *arg;
	char block[64 << 10]; /* what is read goes through here, a turn at a time */
};

static struct lifeline *lifeline_of(const struct ledger_writer *writer)
{
	return &writer->ledger->evidence->lifelines[writer->index];
}

static void on_writer_closed(uv_handle_t *handle)
{
	struct ledger_writer *writer = handle->data;

	lines_done(&writer->lines);
	free(writer);
}

static void close_writer(struct ledger_writer *writer)
{
	struct ledger_writer **link = &writer->ledger->open;

	while (*link != writer)
		link = &(*link)->next;
	*link = writer->next;
	uv_close((uv_handle_t *)&writer->pipe, on_writer_closed);
}

/* Events about the writing process are kept in its lifeline as well. */
static void note_lifeline(
	struct lifeline *lifeline, const char *event, const cJSON *json)
{
	int64_t ns = json_int(json, "ns", clock_now());

	if (strcmp(event, "process.start") == 0 && !lifeline->role) {
		const char *role = json_text(json, "role");

		lifeline->role = mem_text(role ? role : "?");
		lifeline->name = mem_text(json_text(json, "name"));
		lifeline->session = mem_text(json_text(json, "session"));
		lifeline->own_pid = (pid_t)json_int(json, "pid", 0);
	} else if (strcmp(event, "process.exit") == 0) {
		lifeline->exit_ns = ns;
		lifeline->exit_code = (int)json_int(json, "code", -1);
	} else if (strcmp(event, "mcp.signal") == 0 ||
		strcmp(event, "cli.signal") == 0) {
		lifeline->signal_ns = ns;
		lifeline->signal = (int)json_int(json, "signal", 0);
	} else if (strcmp(event, "mcp.eof") == 0 || strcmp(event, "cli.eof") == 0) {
		lifeline->eof_ns = ns;
	}
}

static void on_text(void *arg, char *text, size_t len, bool cut)
{
	struct ledger_writer *writer = arg;
	struct evidence *evidence = writer->ledger->evidence;
	cJSON *json = cut ? NULL : json_parse(text, len);
	const char *event = json_text(json, "event");

	if (event)
		note_lifeline(lifeline_of(writer), event, json);
	if (event && writer->ledger->heard)
		writer->ledger->heard(writer->ledger->arg, event, json);
	evidence_add_event(evidence, EVENT_LEDGER, writer->index, json);
}

void ledger_on_event(struct ledger *ledger, ledger_event_fn *heard, void *arg)
{
	ledger->heard = heard;
	ledger->arg = arg;
}

static void on_alloc(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *block)
{
	struct ledger_writer *writer = handle->data;

	*block = uv_buf_init(writer->ledger->block, sizeof writer->ledger->block);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *block)
{
	struct ledger_writer *writer = stream->data;

	if (len > 0) {
		lines_feed(&writer->lines, block->base, (size_t)len);
	} else if (len < 0) {
		lines_end(&writer->lines);
		lifeline_of(writer)->ended_ns = clock_now();
		close_writer(writer);
	}
}

static pid_t peer_pid(const uv_pipe_t *pipe)
{
	struct ucred peer = {0};
	socklen_t len = sizeof peer;
	uv_os_fd_t fd;

	if (uv_fileno((const uv_handle_t *)pipe, &fd) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return 0;
	return peer.pid;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct ledger *ledger = listener->data;
	struct ledger_writer *writer;

	if (status < 0)
		return;
	writer = mem_zeroed(sizeof *writer);
	*writer = (struct ledger_writer){ledger, ledger->open, .index = -1};
	ledger->open = writer;
	uv_pipe_init(ledger->loop, &writer->pipe, 0);
	writer->pipe.data = writer;
	lines_init(&writer->lines, LINE_CEILING, on_text, writer);
	if (uv_accept(listener, (uv_stream_t *)&writer->pipe) == 0)
		writer->index = evidence_add_lifeline(
			ledger->evidence, peer_pid(&writer->pipe));
	if (writer->index < 0) {
		close_writer(writer);
		return;
	}
	uv_read_start((uv_stream_t *)&writer->pipe, on_alloc, on_read);
}

struct ledger *ledger_create(
	uv_loop_t *loop, const char *path, struct evidence *evidence, struct err *err)
{
	size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	struct ledger *ledger;
	int status;

	/* libuv cuts a longer path and binds there without an error. */
	if (strlen(path) > most) {
		err_set(err,
			"ledger %s: a socket's path has at most %zu bytes, this one %zu: "
			"choose a shorter TMPDIR",
			path, most, strlen(path));
		return NULL;
	}
	ledger = mem_zeroed(sizeof *ledger);
	ledger->loop = loop;
	ledger->evidence = evidence;
	ledger->address = mem_textf("unix:%s", path);
	uv_pipe_init(loop, &ledger->listener, 0);
	ledger->listener.data = ledger;
	status = uv_pipe_bind(&ledger->listener, path);
	if (status == 0)
		status = uv_listen(
			(uv_stream_t *)&ledger->listener, 4096, on_connection);
	/* A service in a container may run as another user. */
	if (status == 0)
		status = uv_pipe_chmod(&ledger->listener, UV_WRITABLE | UV_READABLE);
	if (status != 0) {
		err_set(err, "ledger %s: %s", path, uv_strerror(status));
		ledger_destroy(ledger);
		return NULL;
	}
	return ledger;
}

const char *ledger_address(const struct ledger *ledger)
{
	return ledger->address;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct ledger *ledger = handle->data;

	free(ledger->address);
	free(ledger);
}

void ledger_destroy(struct ledger *ledger)
{
	if (!ledger)
		return;
	while (ledger->open)
		close_writer(ledger->open);
	uv_close((uv_handle_t *)&ledger->listener, on_listener_closed);
}

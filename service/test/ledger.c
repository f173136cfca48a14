#include "service/test/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/lines.h"
#include "lib/mem.h"
#include "service/test/journal.h"

#define LINE_CEILING ((size_t)128 << 10)
#define BACKLOG      1024

/* A mock's connection. */
struct ledger_text {
	struct test_ledger *ledger;
	struct ledger_text *prev, *next;
	uv_pipe_t pipe;
	struct lines lines;
	char room[4096];
};

struct test_ledger {
	uv_loop_t *loop;
	struct journal *journal;
	uv_pipe_t door;
	struct ledger_text *lines;
	bool closed;
};

static void free_when_empty(struct test_ledger *ledger)
{
	if (ledger->closed && !ledger->lines)
		free(ledger);
}

static void on_line_closed(uv_handle_t *handle)
{
	struct ledger_text *line = handle->data;
	struct test_ledger *ledger = line->ledger;

	DL_DELETE(ledger->lines, line);
	lines_done(&line->lines);
	free(line);
	free_when_empty(ledger);
}

static void on_alloc(uv_handle_t *handle, UNUSED size_t size, uv_buf_t *buf)
{
	struct ledger_text *line = handle->data;

	*buf = uv_buf_init(line->room, sizeof line->room);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct ledger_text *line = stream->data;

	if (len > 0) {
		lines_feed(&line->lines, buf->base, (size_t)len);
	} else if (len < 0) {
		lines_end(&line->lines);
		uv_close((uv_handle_t *)stream, on_line_closed);
	}
}

static void on_connection(uv_stream_t *door, int status)
{
	struct test_ledger *ledger = door->data;
	struct ledger_text *line = mem_zeroed(sizeof *line);

	line->ledger = ledger;
	lines_init(&line->lines, LINE_CEILING, journal_add, ledger->journal);
	DL_APPEND(ledger->lines, line);
	uv_pipe_init(ledger->loop, &line->pipe, 0);
	line->pipe.data = line;
	if (status == 0 && uv_accept(door, (uv_stream_t *)&line->pipe) == 0)
		uv_read_start((uv_stream_t *)&line->pipe, on_alloc, on_read);
	else
		uv_close((uv_handle_t *)&line->pipe, on_line_closed);
}

struct test_ledger *ledger_create(
	uv_loop_t *loop, const char *path, struct journal *journal)
{
	struct test_ledger *ledger = mem_zeroed(sizeof *ledger);
	int failed;

	ledger->loop = loop;
	ledger->journal = journal;
	uv_pipe_init(loop, &ledger->door, 0);
	ledger->door.data = ledger;
	failed = uv_pipe_bind(&ledger->door, path);
	if (!failed)
		failed =
			uv_listen((uv_stream_t *)&ledger->door, BACKLOG, on_connection);
	assert(!failed);
	(void)failed;
	return ledger;
}

static void on_door_closed(uv_handle_t *handle)
{
	struct test_ledger *ledger = handle->data;

	ledger->closed = true;
	free_when_empty(ledger);
}

void ledger_destroy(struct test_ledger *ledger)
{
	struct ledger_text *line;

	for (line = ledger->lines; line; line = line->next)
		if (!uv_is_closing((uv_handle_t *)&line->pipe))
			uv_close((uv_handle_t *)&line->pipe, on_line_closed);
	uv_close((uv_handle_t *)&ledger->door, on_door_closed);
}

#include "harness/rollout/haproxy_socket.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define ANSWER_CEILING ((size_t)4 << 20)

/* One connection; freed when its handle has closed. */
struct haproxy_call {
	struct haproxy_socket *socket; /* NULL: nobody waits for it any more */
	uv_pipe_t pipe;
	uv_connect_t connect;
	uv_write_t write;
	char *commands;
	struct buf answer;
	char block[4096];
};

struct haproxy_socket {
	uv_loop_t *loop;
	char *path;
	haproxy_answer_fn *answer;
	void *arg;
	struct buf waiting;        /* commands, each behind a ';' but the first */
	struct haproxy_call *call; /* NULL: none is under way */
};

static void send_waiting(struct haproxy_socket *socket);

static void on_closed(uv_handle_t *handle)
{
	struct haproxy_call *call = handle->data;

	buf_done(&call->answer);
	free(call->commands);
	free(call);
}

static void end_call(struct haproxy_call *call, const char *text)
{
	struct haproxy_socket *socket = call->socket;

	if (uv_is_closing((uv_handle_t *)&call->pipe))
		return;
	call->socket = NULL;
	uv_close((uv_handle_t *)&call->pipe, on_closed);
	if (!socket)
		return;
	socket->call = NULL;
	socket->answer(socket->arg, text);
	if (!socket->call && socket->waiting.len > 0)
		send_waiting(socket);
}

static void on_alloc(uv_handle_t *handle, size_t size UNUSED, uv_buf_t *room)
{
	struct haproxy_call *call = handle->data;

	*room = uv_buf_init(call->block, sizeof call->block);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
	struct haproxy_call *call = stream->data;

	if (len > 0 && !buf_add(&call->answer, room->base, (size_t)len))
		end_call(call, NULL);
	else if (len == UV_EOF)
		end_call(call, buf_text(&call->answer));
	else if (len < 0)
		end_call(call, NULL);
}

static void on_written(uv_write_t *write, int status)
{
	if (status < 0)
		end_call(write->data, NULL);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct haproxy_call *call = connect->data;
	uv_buf_t text;

	if (status < 0) {
		end_call(call, NULL);
		return;
	}
	text = uv_buf_init(call->commands, (unsigned)strlen(call->commands));
	uv_write(&call->write, (uv_stream_t *)&call->pipe, &text, 1, on_written);
	uv_read_start((uv_stream_t *)&call->pipe, on_alloc, on_read);
}

static void send_waiting(struct haproxy_socket *socket)
{
	struct haproxy_call *call = mem_zeroed(sizeof *call);

	socket->call = call;
	call->socket = socket;
	call->pipe.data = call->connect.data = call->write.data = call;
	call->commands = mem_textf("%s\n", buf_text(&socket->waiting));
	buf_clear(&socket->waiting);
	buf_init(&call->answer, ANSWER_CEILING);
	uv_pipe_init(socket->loop, &call->pipe, 0);
	uv_pipe_connect(&call->connect, &call->pipe, socket->path, on_connected);
}

struct haproxy_socket *haproxy_socket_create(
	uv_loop_t *loop, const char *path, haproxy_answer_fn *answer, void *arg)
{
	struct haproxy_socket *socket = mem_zeroed(sizeof *socket);

	socket->loop = loop;
	socket->path = mem_text(path);
	socket->answer = answer;
	socket->arg = arg;
	return socket;
}

void haproxy_socket_destroy(struct haproxy_socket *socket)
{
	if (!socket)
		return;
	if (socket->call) {
		socket->call->socket = NULL;
		end_call(socket->call, NULL);
	}
	buf_done(&socket->waiting);
	free(socket->path);
	free(socket);
}

void haproxy_socket_send(struct haproxy_socket *socket, const char *format, ...)
{
	va_list args;

	if (socket->waiting.len > 0)
		buf_adds(&socket->waiting, ";");
	va_start(args, format);
	buf_addv(&socket->waiting, format, args);
	va_end(args);
	if (!socket->call)
		send_waiting(socket);
}

bool haproxy_socket_is_quiet(const struct haproxy_socket *socket)
{
	return !socket->call && socket->waiting.len == 0;
}

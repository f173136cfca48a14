#include "lib/http2_connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define PIECE     ((size_t)64 << 10) /* read, or written, at a time */
#define FRAME_MAX ((size_t)17 << 10) /* that nghttp2 gives at once, with its head */
#define OWED_MAX  10000              /* frames that wait because of what has arrived */

struct http2_connection {
	nghttp2_session *session;
	http2_ended_fn *ended;
	void *arg;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	uv_idle_t soon; /* active: there is something to send */
	uv_connect_t connect;
	uv_write_t write;
	struct buf unsent; /* being written; empty: nothing is */
	size_t owed;       /* frames, since the session last had none to send */
	int failed;        /* to connect, at once: why, as libuv has it; 0: no */
	bool open;
	bool over; /* `ended` was called, or it is closing */
	unsigned handles;
};

static void end(struct http2_connection *connection, const char *why)
{
	if (connection->over)
		return;
	connection->over = true;
	uv_idle_stop(&connection->soon);
	if (connection->open)
		uv_read_stop(&connection->stream);
	connection->ended(connection->arg, why);
}

static void end_if_done(struct http2_connection *connection)
{
	if (!connection->over && connection->open && connection->unsent.len == 0 &&
		!nghttp2_session_want_read(connection->session) &&
		!nghttp2_session_want_write(connection->session))
		end(connection, NULL);
}

/* Writing */

/* Frames in `piece`, as long as there is room; 0: the session has none. */
static size_t gather(struct http2_connection *connection, uint8_t *piece)
{
	size_t len = 0;
	const uint8_t *frame;
	ssize_t size = 0;

	while (len < PIECE - FRAME_MAX &&
		(size = nghttp2_session_mem_send(connection->session, &frame)) > 0) {
		memcpy(piece + len, frame, (size_t)size);
		len += (size_t)size;
	}
	if (size < 0)
		end(connection, nghttp2_strerror((int)size));
	return connection->over ? 0 : len;
}

static void on_written(uv_write_t *write, int status);

/* False: the connection is broken, or the peer takes no more for now. */
static bool send_piece(
	struct http2_connection *connection, const uint8_t *piece, size_t len)
{
	uv_buf_t all = {.base = (char *)(uintptr_t)piece, .len = len};
	int written = uv_try_write(&connection->stream, &all, 1);
	int failed = written < 0 && written != UV_EAGAIN ? written : 0;

	if (!failed && written == (int)len)
		return true;
	if (!failed) {
		buf_add(&connection->unsent, piece + (written > 0 ? written : 0),
			len - (size_t)(written > 0 ? written : 0));
		all = uv_buf_init(
			connection->unsent.data, (unsigned)connection->unsent.len);
		failed = uv_write(
			&connection->write, &connection->stream, &all, 1, on_written);
	}
	if (failed)
		end(connection, uv_strerror(failed));
	return false;
}

static void send_frames(struct http2_connection *connection)
{
	static uint8_t piece[PIECE]; /* of the one loop */
	size_t len;

	if (connection->over || !connection->open || connection->unsent.len > 0)
		return;
	while ((len = gather(connection, piece)) > 0)
		if (!send_piece(connection, piece, len))
			return;
	connection->owed = 0;
}

static void on_written(uv_write_t *write, int status)
{
	struct http2_connection *connection = write->data;

	buf_clear(&connection->unsent);
	if (connection->over)
		return;
	if (status != 0) {
		end(connection, uv_strerror(status));
		return;
	}
	send_frames(connection);
	end_if_done(connection);
}

static void on_soon(uv_idle_t *soon)
{
	struct http2_connection *connection = soon->data;

	uv_idle_stop(soon);
	if (connection->failed)
		end(connection, uv_strerror(connection->failed));
	send_frames(connection);
	end_if_done(connection);
}

void http2_connection_wake(struct http2_connection *connection)
{
	if (!connection->over)
		uv_idle_start(&connection->soon, on_soon);
}

/* Reading */

static void on_room_wanted(
	uv_handle_t *handle UNUSED, size_t size UNUSED, uv_buf_t *room)
{
	static char piece[PIECE]; /* of the one loop: it is used up in on_read() */

	*room = uv_buf_init(piece, sizeof piece);
}

/* A peer can have frames made faster than it takes them: nghttp2 bounds acknowledgements
 * alone, and not the RST_STREAMs of streams that are refused. */
static void take(struct http2_connection *connection, const char *piece, size_t len)
{
	nghttp2_session *session = connection->session;
	const size_t waited = nghttp2_session_get_outbound_queue_size(session);
	const ssize_t taken =
		nghttp2_session_mem_recv(session, (const uint8_t *)piece, len);
	const size_t wait = nghttp2_session_get_outbound_queue_size(session);

	connection->owed += wait > waited ? wait - waited : 0;
	if (taken < 0)
		end(connection, nghttp2_strerror((int)taken));
	else if (connection->owed > OWED_MAX)
		end(connection, "the peer does not take its answers");
	else
		http2_connection_wake(connection);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece)
{
	struct http2_connection *connection = stream->data;

	if (len == 0 || connection->over)
		return;
	if (len < 0) {
		end(connection,
			len == UV_EOF ? "the peer closed the connection"
				      : uv_strerror((int)len));
		return;
	}
	take(connection, piece->base, (size_t)len);
}

static void begin(struct http2_connection *connection)
{
	int failed = uv_read_start(&connection->stream, on_room_wanted, on_read);

	connection->open = true;
	if (failed)
		end(connection, uv_strerror(failed));
	else
		http2_connection_wake(connection);
}

/* Opening and closing */

struct http2_connection *http2_connection_create(
	uv_loop_t *loop, nghttp2_session *session, http2_ended_fn *ended, void *arg)
{
	struct http2_connection *connection = mem_zeroed(sizeof *connection);

	connection->session = session;
	connection->ended = ended;
	connection->arg = arg;
	uv_idle_init(loop, &connection->soon);
	connection->soon.data = connection->write.data = connection->connect.data =
		connection;
	connection->handles = 1;
	return connection;
}

static void add_stream(struct http2_connection *connection, bool unix_socket)
{
	if (unix_socket)
		uv_pipe_init(connection->soon.loop, &connection->pipe, 0);
	else
		uv_tcp_init(connection->soon.loop, &connection->tcp);
	connection->handle.data = connection;
	connection->handles++;
}

bool http2_connection_open(struct http2_connection *connection, int fd, struct err *err)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof address;
	int failed;

	(void)!getsockname(fd, (struct sockaddr *)&address, &len);
	add_stream(connection, address.ss_family == AF_UNIX);
	if (address.ss_family == AF_UNIX)
		failed = uv_pipe_open(&connection->pipe, fd);
	else
		failed = uv_tcp_open(&connection->tcp, fd);
	if (failed) {
		close(fd);
		return err_set(err, "HTTP/2 connection: %s", uv_strerror(failed));
	}
	if (address.ss_family != AF_UNIX)
		uv_tcp_nodelay(&connection->tcp, 1);
	begin(connection);
	return true;
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct http2_connection *connection = connect->data;

	if (connection->over)
		return;
	if (status != 0)
		end(connection, uv_strerror(status));
	else
		begin(connection);
}

void http2_connection_connect(
	struct http2_connection *connection, const struct sockaddr *address)
{
	int failed;

	add_stream(connection, false);
	uv_tcp_nodelay(&connection->tcp, 1);
	failed = uv_tcp_connect(
		&connection->connect, &connection->tcp, address, on_connected);
	if (failed)
		http2_connection_fail(connection, failed);
}

void http2_connection_fail(struct http2_connection *connection, int error)
{
	connection->failed = error;
	http2_connection_wake(connection);
}

void http2_connection_connect_unix(
	struct http2_connection *connection, const char *path)
{
	if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
		http2_connection_fail(connection, UV_ENAMETOOLONG);
		return; /* libuv would cut it */
	}
	add_stream(connection, true);
	uv_pipe_connect(&connection->connect, &connection->pipe, path, on_connected);
}

bool http2_connection_is_open(const struct http2_connection *connection)
{
	return connection->open;
}

bool http2_connection_is_blocked(const struct http2_connection *connection)
{
	return connection->unsent.len > 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct http2_connection *connection = handle->data;

	if (--connection->handles > 0)
		return;
	buf_done(&connection->unsent);
	free(connection);
}

/* Its owner has closed it. */
static void on_ended_late(void *arg UNUSED, const char *why UNUSED)
{
}

void http2_connection_close(struct http2_connection *connection)
{
	if (!connection)
		return;
	connection->ended = on_ended_late;
	if (!connection->over)
		send_frames(connection);
	connection->over = true;
	nghttp2_session_del(connection->session);
	if (connection->handles > 1)
		uv_close(&connection->handle, on_closed);
	uv_close((uv_handle_t *)&connection->soon, on_closed);
}

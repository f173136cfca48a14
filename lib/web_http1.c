#include "lib/web_http1.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "lib/mem.h"
#include "lib/web_tls.h"

/* The client */

/* Bytes may lie unread before the end that the client sent: then microhttpd reads them
 * first. */
static bool has_unread(int fd)
{
	char next;

	return recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void leave(struct web_exchange *exchange)
{
	if (exchange->parked)
		web_exchange_fail(exchange, WEB_LEFT);
	else if (exchange->state != WEB_EXCHANGE_ARRIVING)
		return; /* microhttpd is at work on it, and notices */
	else if (has_unread(exchange->client->fd))
		exchange->all->unread = true;
	else
		web_exchange_cut(exchange, WEB_LEFT);
}

/* When the last bytes and the end of a client come together, microhttpd reads the bytes
 * and waits for an event that has been. The kernel gives another one for this, which must
 * not come before the bytes have been read. */
static void let_read_end(struct web_connection *client)
{
	struct web_exchanges *all = client->all;

	if (!has_unread(client->fd)) {
		shutdown(client->fd, SHUT_RD);
		return;
	}
	all->unread = true;
	if (!client->is_unread)
		DL_APPEND(all->unread_clients, client);
	client->is_unread = true;
}

void web_http1_forget(struct web_connection *client)
{
	if (client->is_unread)
		DL_DELETE(client->all->unread_clients, client);
	client->is_unread = false;
}

void web_http1_on_left(void *arg)
{
	struct web_connection *client = arg;

	if (client->left)
		return; /* the event of let_read_end() */
	client->left = true;
	if (client->exchange)
		leave(client->exchange);
	else
		let_read_end(client);
}

void web_http1_look_again(struct web_exchanges *exchanges)
{
	struct web_connection *client = exchanges->unread_clients, *next;
	struct web_exchange *exchange;

	if (!exchanges->unread)
		return;
	exchanges->unread = false;
	exchanges->unread_clients = NULL;
	for (; client; client = next) {
		next = client->next;
		client->is_unread = false;
		if (!client->exchange)
			let_read_end(client);
	}
	for (exchange = exchanges->list; exchange; exchange = exchange->next)
		if (exchange->client->left && exchange->state == WEB_EXCHANGE_ARRIVING)
			leave(exchange);
}

static void park(struct web_exchange *exchange)
{
	MHD_suspend_connection(exchange->connection);
	exchange->parked = true;
	if (exchange->client->left)
		leave(exchange);
}

static void wake(struct web_exchange *exchange)
{
	if (!exchange->parked)
		return;
	exchange->parked = false;
	MHD_resume_connection(exchange->connection);
	web_pump_wake(exchange->all->pump);
}

/* Parks for good, and shuts the server's direction. */
static void shut(struct web_exchange *exchange)
{
	shutdown(exchange->client->fd, SHUT_WR);
	park(exchange);
}

/* A connection that microhttpd is serving shuts when microhttpd next takes data. */
static void half_close(struct web_exchange *exchange)
{
	if (exchange->parked)
		shutdown(exchange->client->fd, SHUT_WR);
}

/* Ends the connection under microhttpd, which notices that in its next run. Connecting to
 * AF_UNSPEC sends the RST now. Before a close without linger microhttpd would shutdown()
 * the socket, and the client would take that FIN for an orderly end. */
static void sever(struct web_exchange *exchange, bool reset)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (reset)
		connect(exchange->client->fd, &none, sizeof none);
	else
		shutdown(exchange->client->fd, SHUT_RDWR);
}

/* The answer */

/* Takes response. */
static void answer(struct web_exchange *exchange, unsigned status, const char *type,
	struct MHD_Response *response)
{
	const char *name = buf_text(&exchange->headers);
	const char *end = name + exchange->headers.len;

	if (!response)
		abort(); /* out of memory */
	if (type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	while (name < end) {
		const char *value = name + strlen(name) + 1;

		MHD_add_response_header(response, name, value);
		name = value + strlen(value) + 1;
	}
	exchange->status = status;
	exchange->response = response;
}

static void reply(struct web_exchange *exchange, unsigned status, const char *type,
	const char *body, size_t len)
{
	void *copied = (void *)(uintptr_t)(len > 0 ? body : "");

	answer(exchange, status, type,
		MHD_create_response_from_buffer(len, copied, MHD_RESPMEM_MUST_COPY));
}

/* microhttpd leaves a connection in chunks alone whose data end with an error: it has
 * shut its direction, but keeps the descriptor until it is the oldest connection. It
 * closes one to which it cannot write. */
static ssize_t break_off(const struct web_exchange *exchange)
{
	if (!exchange->takes_chunks)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	shutdown(exchange->client->fd, SHUT_WR);
	return MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t on_room(void *cls, uint64_t position UNUSED, char *out, size_t room)
{
	struct web_exchange *exchange = cls;
	size_t len = web_exchange_unsent(exchange);

	if (len > room)
		len = room;
	switch (exchange->state) {
	case WEB_EXCHANGE_STREAMING:
	case WEB_EXCHANGE_ANSWERED:
	case WEB_EXCHANGE_CUT:
		break;
	case WEB_EXCHANGE_SHUT:
		shut(exchange);
		return 0;
	case WEB_EXCHANGE_ARRIVING:
	case WEB_EXCHANGE_HANDED:
	case WEB_EXCHANGE_FAILED:
		return break_off(exchange);
	}
	if (len > 0) {
		memcpy(out, exchange->stream.data + exchange->streamed, len);
		exchange->streamed += len;
		return (ssize_t)len;
	}
	if (exchange->state == WEB_EXCHANGE_ANSWERED)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (exchange->state == WEB_EXCHANGE_CUT)
		return break_off(exchange);
	park(exchange);
	return 0;
}

/* microhttpd keeps a block as long as the stream, and sends by it at most once in a turn
 * of the loop. It makes chunks elsewhere, in the memory of the connection. */
static size_t block_size(const struct web_exchange *exchange)
{
	return (size_t)(exchange->takes_chunks ? 1 : 16) << 10;
}

static void begin_stream(
	struct web_exchange *exchange, unsigned status, const char *type)
{
	answer(exchange, status, type,
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
			block_size(exchange), on_room, exchange, NULL));
}

/* The request */

/* A walk through the headers. */
struct header_walk {
	web_header_fn *each;
	void *arg;
};

static enum MHD_Result on_header_value(
	void *cls, enum MHD_ValueKind kind UNUSED, const char *name, const char *value)
{
	struct header_walk *walk = cls;

	walk->each(walk->arg, name, value ? value : "");
	return MHD_YES;
}

static void each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg)
{
	struct header_walk walk = {each, arg};

	MHD_get_connection_values(
		exchange->connection, MHD_HEADER_KIND, on_header_value, &walk);
}

/* A search for a value of the query. */
struct search {
	const char *name;
	unsigned before; /* values of the name to skip */
	const char *value;
};

static enum MHD_Result on_query_value(
	void *cls, enum MHD_ValueKind kind UNUSED, const char *name, const char *value)
{
	struct search *search = cls;

	if (strcmp(name, search->name) != 0 || search->before-- > 0)
		return MHD_YES;
	search->value = value ? value : "";
	return MHD_NO;
}

static const char *query(
	const struct web_exchange *exchange, const char *name, unsigned i)
{
	struct search search = {.name = name, .before = i};

	MHD_get_connection_values(
		exchange->connection, MHD_GET_ARGUMENT_KIND, on_query_value, &search);
	return search.value;
}

static const char *header(const struct web_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static const char *target(const struct web_exchange *exchange)
{
	return exchange->client->target;
}

static const struct web_protocol http1 = {
	.target = target,
	.header = header,
	.each_header = each_header,
	.query = query,
	.reply = reply,
	.begin_stream = begin_stream,
	.wake = wake,
	.half_close = half_close,
	.sever = sever,
};

static struct web_exchange *begin(struct web_exchanges *all,
	struct MHD_Connection *connection, const char *method, const char *path)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct web_exchange *exchange =
		web_exchange_begin(all, info->socket_context, &http1);

	exchange->connection = connection;
	exchange->client->exchange = exchange;
	exchange->method = method;
	exchange->path = path;
	return exchange;
}

static enum MHD_Result turn_away(struct MHD_Connection *connection)
{
	static char body[] = "{\"error\":\"a client certificate is needed\"}";
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued;

	MHD_add_response_header(
		response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	queued = MHD_queue_response(connection, MHD_HTTP_FORBIDDEN, response);
	MHD_destroy_response(response);
	return queued;
}

/* While a body arrives microhttpd accepts no answer, only the end of the connection.
 * Nothing else is being sent then, so the refusal goes directly to the socket. */
static enum MHD_Result refuse_body(struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf head = {0};
	SCOPED(buf_done) struct buf body = {0};
	SCOPED(buf_done) struct buf refusal = {0};

	web_exchange_refuse_body(exchange, &head, &body);
	buf_addf(&refusal,
		"HTTP/1.1 413 Content Too Large\r\n"
		"Connection: close\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %zu\r\n"
		"%s"
		"\r\n"
		"%s",
		body.len, buf_text(&head), buf_text(&body));
	if (!exchange->all->tls)
		(void)!send(exchange->client->fd, refusal.data, refusal.len,
			MSG_NOSIGNAL | MSG_DONTWAIT);
	return MHD_NO;
}

static enum MHD_Result expect_body(struct web_exchange *exchange)
{
	const char *length = web_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (length && strtoull(length, NULL, 10) > exchange->all->body_ceiling)
		return refuse_body(exchange);
	exchange->all->unread |= exchange->client->left;
	return MHD_YES;
}

/* Gives the answer to microhttpd. */
static enum MHD_Result queue_answer(struct web_exchange *exchange)
{
	struct MHD_Response *response = exchange->response;
	enum MHD_Result queued;

	if (exchange->all->closing)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	queued = MHD_queue_response(exchange->connection, exchange->status, response);
	MHD_destroy_response(response);
	exchange->response = NULL;
	return queued;
}

/* The request is whole: what the owner has made of it so far. A connection is suspended
 * only for an answer that comes later, because that costs system calls. */
static enum MHD_Result go_on(struct web_exchange *exchange)
{
	switch (exchange->state) {
	case WEB_EXCHANGE_HANDED:
		park(exchange);
		return MHD_YES;
	case WEB_EXCHANGE_ANSWERED:
	case WEB_EXCHANGE_STREAMING:
	case WEB_EXCHANGE_CUT:
		return queue_answer(exchange);
	case WEB_EXCHANGE_SHUT:
		shut(exchange);
		return MHD_YES;
	case WEB_EXCHANGE_ARRIVING:
	case WEB_EXCHANGE_FAILED:
		break;
	}
	return MHD_NO;
}

enum MHD_Result web_http1_on_request(void *cls, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_len, void **context)
{
	struct web_exchanges *all = cls;
	struct web_exchange *exchange = *context;

	all->activity++;
	if (!exchange && all->tls && !web_tls_knows_client(connection))
		return turn_away(connection);
	if (!exchange) {
		*context = exchange = begin(all, connection, method, path);
		exchange->takes_chunks = strcmp(version, "HTTP/1.1") == 0;
		return expect_body(exchange);
	}
	if (*upload_len > 0 && exchange->state == WEB_EXCHANGE_ARRIVING) {
		if (!buf_add(&exchange->body, upload, *upload_len))
			return refuse_body(exchange);
		*upload_len = 0;
		return MHD_YES;
	}
	if (exchange->state == WEB_EXCHANGE_ARRIVING)
		web_exchange_hand_over(exchange);
	return go_on(exchange);
}

/* The end */

static enum web_end how_it_ended(
	const struct web_exchange *exchange, enum MHD_RequestTerminationCode code)
{
	struct pollfd client = {.fd = exchange->client->fd, .events = POLLRDHUP};

	if (exchange->state == WEB_EXCHANGE_FAILED)
		return exchange->end;
	switch (code) {
	case MHD_REQUEST_TERMINATED_COMPLETED_OK:
		return WEB_ANSWERED;
	case MHD_REQUEST_TERMINATED_READ_ERROR:
	case MHD_REQUEST_TERMINATED_CLIENT_ABORT:
		return WEB_LEFT;
	case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED:
	case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN:
		return WEB_BROKEN;
	case MHD_REQUEST_TERMINATED_WITH_ERROR:
		break; /* either side may have failed */
	}
	return poll(&client, 1, 0) == 1 ? WEB_LEFT : WEB_BROKEN;
}

void web_http1_on_end(void *cls UNUSED, struct MHD_Connection *connection UNUSED,
	void **context, enum MHD_RequestTerminationCode code)
{
	struct web_exchange *exchange = *context;
	struct web_connection *client;

	if (!exchange)
		return;
	*context = NULL;
	client = exchange->client;
	client->exchange = NULL;
	if (client->left)
		let_read_end(client);
	if (exchange->response)
		MHD_destroy_response(exchange->response);
	web_exchange_end(exchange, how_it_ended(exchange, code));
}

#include "lib/web_exchange.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/web_tls.h"

/* Ends the connection under microhttpd, which notices that in its next run. */
static void cut(struct web_exchange *exchange, enum web_end end)
{
	shutdown(exchange->fd, SHUT_RDWR);
	web_exchange_fail(exchange, end);
}

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
	else if (has_unread(exchange->fd))
		exchange->all->unread = true;
	else
		cut(exchange, WEB_LEFT);
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

void web_exchanges_forget(struct web_connection *client)
{
	if (client->is_unread)
		DL_DELETE(client->all->unread_clients, client);
	client->is_unread = false;
}

void web_exchange_on_left(void *arg)
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

void web_exchanges_look_again(struct web_exchanges *exchanges)
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

void web_exchange_park(struct web_exchange *exchange)
{
	MHD_suspend_connection(exchange->connection);
	exchange->parked = true;
	if (exchange->client->left)
		leave(exchange);
}

void web_exchange_wake(struct web_exchange *exchange)
{
	if (!exchange->parked)
		return;
	exchange->parked = false;
	MHD_resume_connection(exchange->connection);
	web_pump_wake(exchange->all->pump);
}

void web_exchange_shut(struct web_exchange *exchange)
{
	shutdown(exchange->fd, SHUT_WR);
	web_exchange_park(exchange);
}

void web_exchange_enter(struct web_exchange *exchange, enum web_exchange_state state)
{
	exchange->state = state;
	if (state == WEB_EXCHANGE_ANSWERED)
		exchange->answered_ns = clock_now();
	if (state != WEB_EXCHANGE_HANDED && state != WEB_EXCHANGE_SHUT)
		web_exchange_wake(exchange);
}

void web_exchange_fail(struct web_exchange *exchange, enum web_end end)
{
	if (exchange->state == WEB_EXCHANGE_FAILED)
		return;
	exchange->end = end;
	web_exchange_enter(exchange, WEB_EXCHANGE_FAILED);
}

/* The request */

static struct web_exchange *begin(struct web_exchanges *all,
	struct MHD_Connection *connection, const char *method, const char *path)
{
	struct web_exchange *exchange = mem_zeroed(sizeof *exchange);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	exchange->all = all;
	exchange->connection = connection;
	exchange->client = info->socket_context;
	exchange->client->exchange = exchange;
	exchange->fd = exchange->client->fd;
	exchange->method = method;
	exchange->path = path;
	buf_init(&exchange->body, all->body_ceiling);
	buf_init(&exchange->stream, 2 * WEB_UNSENT_MAX);
	DL_APPEND(all->list, exchange);
	all->arriving++;
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
	struct web_exchanges *all = exchange->all;
	SCOPED(buf_done) struct buf head = {0};
	SCOPED(buf_done) struct buf body = {0};
	SCOPED(buf_done) struct buf refusal = {0};

	if (all->refusal)
		all->refusal(all->arg, exchange, &head, &body);
	else
		buf_addf(&body, "{\"error\":\"the body is larger than %zu bytes\"}",
			all->body_ceiling);
	buf_addf(&refusal,
		"HTTP/1.1 413 Content Too Large\r\n"
		"Connection: close\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %zu\r\n"
		"%s"
		"\r\n"
		"%s",
		body.len, buf_text(&head), buf_text(&body));
	if (!all->tls)
		(void)!send(exchange->fd, refusal.data, refusal.len,
			MSG_NOSIGNAL | MSG_DONTWAIT);
	if (all->refused)
		all->refused(all->arg, 413);
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

static void hand_over(struct web_exchange *exchange)
{
	struct web_exchanges *all = exchange->all;

	all->arriving--;
	all->open++;
	exchange->handed = true;
	web_exchange_enter(exchange, WEB_EXCHANGE_HANDED);
	all->handle(all->arg, exchange);
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
		web_exchange_park(exchange);
		return MHD_YES;
	case WEB_EXCHANGE_ANSWERED:
	case WEB_EXCHANGE_STREAMING:
	case WEB_EXCHANGE_CUT:
		return queue_answer(exchange);
	case WEB_EXCHANGE_SHUT:
		web_exchange_shut(exchange);
		return MHD_YES;
	case WEB_EXCHANGE_ARRIVING:
	case WEB_EXCHANGE_FAILED:
		break;
	}
	return MHD_NO;
}

enum MHD_Result web_exchange_on_request(void *cls, struct MHD_Connection *connection,
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
		hand_over(exchange);
	return go_on(exchange);
}

/* The end */

static enum web_end how_it_ended(
	const struct web_exchange *exchange, enum MHD_RequestTerminationCode code)
{
	struct pollfd client = {.fd = exchange->fd, .events = POLLRDHUP};

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

void web_exchange_on_end(void *cls, struct MHD_Connection *connection UNUSED,
	void **context, enum MHD_RequestTerminationCode code)
{
	struct web_exchanges *all = cls;
	struct web_exchange *exchange = *context;

	if (!exchange)
		return;
	*context = NULL;
	exchange->client->exchange = NULL;
	if (exchange->client->left)
		let_read_end(exchange->client);
	all->activity++;
	DL_DELETE(all->list, exchange);
	if (!exchange->handed) {
		all->arriving--;
	} else {
		all->open--;
		if (all->over)
			all->over(all->arg, exchange, how_it_ended(exchange, code));
	}
	if (exchange->response)
		MHD_destroy_response(exchange->response);
	buf_done(&exchange->body);
	buf_done(&exchange->headers);
	buf_done(&exchange->stream);
	free(exchange);
}

void web_exchanges_break(struct web_exchanges *exchanges)
{
	struct web_exchange *exchange;

	for (exchange = exchanges->list; exchange; exchange = exchange->next)
		if (exchange->state != WEB_EXCHANGE_ARRIVING)
			web_exchange_fail(exchange, WEB_BROKEN);
}

int64_t web_exchanges_cut_unsent(
	struct web_exchanges *exchanges, int64_t since_ns, int64_t patience_ns)
{
	int64_t now_ns = clock_now(), next_ns = 0;
	struct web_exchange *exchange;

	for (exchange = exchanges->list; exchange; exchange = exchange->next) {
		int64_t due_ns = exchange->answered_ns;

		if (exchange->state != WEB_EXCHANGE_ANSWERED)
			continue;
		due_ns = (due_ns > since_ns ? due_ns : since_ns) + patience_ns;
		if (due_ns <= now_ns)
			cut(exchange, WEB_BROKEN);
		else if (next_ns == 0 || due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

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

void web_each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg)
{
	struct header_walk walk = {each, arg};

	MHD_get_connection_values(
		exchange->connection, MHD_HEADER_KIND, on_header_value, &walk);
}

const char *web_target(const struct web_exchange *exchange)
{
	return exchange->client->target;
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

const char *web_query(const struct web_exchange *exchange, const char *name, unsigned i)
{
	struct search search = {.name = name, .before = i};

	MHD_get_connection_values(
		exchange->connection, MHD_GET_ARGUMENT_KIND, on_query_value, &search);
	return search.value;
}

const char *web_header(const struct web_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

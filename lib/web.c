#include "lib/web.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/web_acceptor.h"
#include "lib/web_http1.h"
#include "lib/web_http2.h"
#include "lib/web_listen.h"
#include "lib/web_newcomer.h"
#include "lib/web_watch.h"

#define CONNECTIONS        4096
#define CONNECTION_MEMORY  ((size_t)16 << 10) /* bounds the headers of both sides */
#define IDLE_NS            (60 * CLOCK_S)
#define BODY_CEILING       ((size_t)1 << 20)
#define PATIENCE_NS        (2 * CLOCK_S)
#define ARRIVING_LINGER_NS (1 * CLOCK_S)
#define TLS_OPTIONS        4

enum web_state {
	WEB_SERVING,
	WEB_DRAINING,
	WEB_DRAINED, /* `drained` was called; requests are still served */
};

struct web {
	struct web_exchanges exchanges;
	web_closed_fn *closed;
	struct web_pump *pump;
	struct web_watch *watch;
	struct MHD_Daemon *daemon;       /* the pump's */
	struct web_http2 *http2;         /* NULL: it speaks HTTP/1.1 alone */
	struct web_newcomers *newcomers; /* likewise */
	enum web_state state;
	unsigned connections;
	unsigned coming; /* handed to microhttpd, which counts them in its next run */
	unsigned connections_most;

	struct web_acceptor *acceptor; /* NULL once nobody may come any more */
	uint16_t port;

	int64_t patience_ns; /* with clients, while draining */
	int64_t draining_ns; /* since when */
	int64_t linger_ns;
	int64_t linger_until_ns; /* 0: it has not begun */
	unsigned lingered_at;    /* the activity after which the linger began */
	struct loop_timer *linger;
	web_drained_fn *drained;
	void *drained_arg;
};

/* Both kinds have their port in the same place. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void on_due(void *arg)
{
	web_pump_wake(((struct web *)arg)->pump);
}

/* Connections */

static struct web_connection *open_connection(
	struct web_exchanges *exchanges, struct MHD_Connection *connection)
{
	struct web_connection *client = mem_zeroed(sizeof *client);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (info && info->client_addr && info->client_addr->sa_family != AF_UNIX)
		client->port =
			ntohs(((const union address *)info->client_addr)->v4.sin_port);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	client->fd = info->connect_fd;
	client->all = exchanges;
	return client;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct web *web = cls;
	struct web_connection *client = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		web->connections++;
		web->coming -= web->coming > 0;
		*context = client = open_connection(&web->exchanges, connection);
		web_watch_add(web->watch, client->fd, client);
		return;
	}
	web->connections--;
	web_watch_remove(web->watch, client->fd);
	web_http1_forget(client);
	free(client->target);
	if (web->closed)
		web->closed(web->exchanges.arg, client);
	free(client);
}

/* microhttpd calls it with the target as it came, before the first on_request(). */
static void *on_target(
	void *cls UNUSED, const char *target, struct MHD_Connection *connection)
{
	struct web_connection *client =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;

	free(client->target);
	client->target = mem_text(target);
	return NULL; /* the context of a request that has not begun */
}

/* Where it fails it has closed the descriptor. */
static void add_http1(
	struct web *web, int fd, const struct sockaddr *client, socklen_t len)
{
	web->coming++;
	(void)!MHD_add_connection(web->daemon, fd, client, len);
	web_pump_wake(web->pump);
}

static void on_http2_closed(void *arg, struct web_connection *client)
{
	struct web *web = arg;

	web->connections--;
	if (web->closed)
		web->closed(web->exchanges.arg, client);
	free(client);
	web_pump_wake(web->pump);
}

static void add_http2(struct web *web, int fd, const struct sockaddr *address)
{
	struct web_connection *client = mem_zeroed(sizeof *client);

	if (address->sa_family != AF_UNIX)
		client->port = ntohs(((const union address *)address)->v4.sin_port);
	client->fd = fd;
	client->all = &web->exchanges;
	web->connections++;
	if (!web_http2_add(web->http2, fd, client)) {
		web->connections--;
		free(client);
	}
}

/* It is known what the newcomer speaks. */
static void on_decided(
	void *arg, int fd, const struct sockaddr *client, socklen_t len, bool http2)
{
	struct web *web = arg;

	web->exchanges.activity++;
	if (http2)
		add_http2(web, fd, client);
	else
		add_http1(web, fd, client, len);
}

/* There may be room again. */
static void on_newcomer_gone(void *arg)
{
	web_pump_wake(((struct web *)arg)->pump);
}

static unsigned clients(const struct web *web)
{
	return web->connections + web->coming + web_newcomers_count(web->newcomers);
}

static bool has_room(void *arg)
{
	const struct web *web = arg;

	return clients(web) < web->connections_most;
}

static void on_accepted(void *arg, int fd, const struct sockaddr *client, socklen_t len)
{
	struct web *web = arg;

	if (web->newcomers)
		web_newcomers_add(web->newcomers, fd, client, len);
	else
		add_http1(web, fd, client, len);
}

static const struct web_acceptor_owner acceptor_owner = {
	.has_room = has_room,
	.accepted = on_accepted,
	.again = on_due,
};

static void close_listener(struct web *web)
{
	web_acceptor_destroy(web->acceptor);
	web->acceptor = NULL;
}

/* Draining */

/* `drained` may destroy the web. */
static void finish_draining(struct web *web)
{
	close_listener(web);
	loop_timer_stop(web->linger);
	web->state = WEB_DRAINED;
	web->drained(web->drained_arg);
}

/* Every activity restarts the linger. A request that is still arriving counts as
 * abandoned after a second of silence. */
static bool has_lingered(struct web *web)
{
	const struct web_exchanges *exchanges = &web->exchanges;
	int64_t ns = web->linger_ns;
	int64_t now_ns = clock_now();

	if (web->linger_until_ns && web->lingered_at == exchanges->activity)
		return now_ns >= web->linger_until_ns;
	if ((exchanges->arriving > 0 || web_http2_is_unheard(web->http2)) &&
		ns < ARRIVING_LINGER_NS)
		ns = ARRIVING_LINGER_NS;
	web->lingered_at = exchanges->activity;
	web->linger_until_ns = now_ns + ns;
	return false;
}

static void await_answers(struct web *web)
{
	int64_t due_ns = web_exchanges_cut_unsent(
		&web->exchanges, web->draining_ns, web->patience_ns);

	web->linger_until_ns = 0;
	if (due_ns)
		loop_timer_set(web->linger, due_ns - clock_now());
	else
		loop_timer_stop(web->linger);
}

/* No client delays the end of the drain beyond the longer of linger and patience,
 * whatever it sends. microhttpd reads what has come before anything is decided. */
static void await_requests(struct web *web)
{
	int64_t end_ns = web->draining_ns +
		(web->linger_ns > web->patience_ns ? web->linger_ns : web->patience_ns);
	bool due = web_pump_is_due(web->pump);
	int64_t now_ns = clock_now(), look_ns;

	if (now_ns >= end_ns ||
		(!due && has_lingered(web) && !web_http2_is_sending(web->http2))) {
		finish_draining(web);
	} else if (!due) {
		look_ns = web->linger_until_ns > now_ns ? web->linger_until_ns : end_ns;
		loop_timer_set(
			web->linger, (look_ns < end_ns ? look_ns : end_ns) - now_ns);
	}
}

/* A closing listener resets the clients that only the kernel has accepted. */
static void go_on_draining(struct web *web)
{
	if (web->acceptor && web_acceptor_accept(web->acceptor))
		close_listener(web);
	if (web->exchanges.open > 0)
		await_answers(web);
	else if (clients(web) > 0)
		await_requests(web);
	else
		finish_draining(web);
}

void web_drain(struct web *web, int64_t linger_ns, web_drained_fn *done, void *arg)
{
	if (web->state != WEB_SERVING)
		return;
	web->state = WEB_DRAINING;
	web->exchanges.closing = true;
	web->draining_ns = clock_now();
	web->linger_ns = linger_ns;
	web->drained = done;
	web->drained_arg = arg;
	web_acceptor_block_handshakes(web->acceptor);
	if (web->http2)
		web_http2_drain(web->http2);
	web_pump_wake(web->pump);
}

static void on_ran(void *arg)
{
	struct web *web = arg;

	web->coming = 0;
	web_http1_look_again(&web->exchanges);
	if (web->state == WEB_SERVING)
		web_acceptor_watch(web->acceptor);
	if (web->state == WEB_DRAINING)
		go_on_draining(web);
}

/* Creation and destruction */

/* A decoded NUL would end the text early, so a text with one stays undecoded. */
static size_t unescape(
	void *cls UNUSED, struct MHD_Connection *connection UNUSED, char *text)
{
	return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* microhttpd's options of TLS in tls, which has room for them. */
static void list_tls(const struct web_tls *from, struct MHD_OptionItem *tls)
{
	const struct MHD_OptionItem all[TLS_OPTIONS] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)from->key},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)from->cert},
		{MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)from->ca},
		{MHD_OPTION_END, 0, NULL},
	};

	memcpy(tls, all, sizeof all);
}

static bool start_daemon(struct web *web, const struct web_options *options,
	int64_t idle_ns, struct err *err)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
		MHD_USE_NO_LISTEN_SOCKET | (options->tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[TLS_OPTIONS] = {{MHD_OPTION_END, 0, NULL}};
	struct web_exchanges *exchanges = &web->exchanges;
	uint64_t idle_s = (clock_ms_up(idle_ns) + 999) / 1000;

	if (idle_s > UINT_MAX)
		idle_s = UINT_MAX;
	if (options->tls)
		list_tls(options->tls, tls);
	errno = 0;
	web->daemon = MHD_start_daemon(flags, 0, NULL, NULL, web_http1_on_request,
		exchanges, MHD_OPTION_NOTIFY_COMPLETED, web_http1_on_end, exchanges,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, web,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_URI_LOG_CALLBACK, options->keeps_target ? on_target : NULL,
		NULL, MHD_OPTION_CONNECTION_LIMIT, web->connections_most,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)idle_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		options->memory ? options->memory : CONNECTION_MEMORY, MHD_OPTION_END);
	return web_pump_start(web->pump, web->daemon, err);
}

static bool watch_clients(struct web *web, struct err *err)
{
	web->watch = web_watch_create(web->exchanges.loop, web_http1_on_left, err);
	return web->watch != NULL;
}

static void speak_http2(
	struct web *web, const struct web_options *options, int64_t idle_ns)
{
	web->http2 = web_http2_create(&web->exchanges,
		options->memory ? options->memory : CONNECTION_MEMORY, idle_ns,
		on_http2_closed, web);
	web->newcomers = web_newcomers_create(
		web->exchanges.loop, idle_ns, on_decided, on_newcomer_gone, web);
}

static bool begin_listening(struct web *web, const struct web_options *options,
	const char *host, int *listener, struct err *err)
{
	web->port = options->port;
	if (options->inetd)
		return web_listen_at_stdin(&web->port, listener, err);
	if (options->socket)
		return web_listen_at_socket(options->socket, listener, err);
	return web_listen_at(host, &web->port, listener, err);
}

static bool accept_clients(struct web *web, const struct web_options *options,
	const char *host, struct err *err)
{
	int listener = -1;

	if (begin_listening(web, options, host, &listener, err))
		web->acceptor = web_acceptor_create(web->exchanges.loop, listener,
			options->socket ? mem_text(options->socket) : NULL,
			&acceptor_owner, web, err);
	else if (listener >= 0)
		close(listener);
	return web->acceptor != NULL;
}

struct web *web_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err)
{
	struct web *web = mem_zeroed(sizeof *web);
	const char *host = options->host ? options->host : "127.0.0.1";
	const int64_t idle_ns = options->idle_ns ? options->idle_ns : IDLE_NS;
	bool v6 = strchr(host, ':') != NULL;

	assert(options->handle);
	web->connections_most =
		options->connections ? options->connections : CONNECTIONS;
	web->closed = options->closed;
	web->patience_ns = options->patience_ns ? options->patience_ns : PATIENCE_NS;
	web->pump = web_pump_create(loop, on_ran, web);
	web->linger = loop_timer_create(loop, on_due, web);
	web->exchanges = (struct web_exchanges){
		.pump = web->pump,
		.loop = loop,
		.tls = options->tls != NULL,
		.handle = options->handle,
		.over = options->over,
		.refused = options->refused,
		.refusal = options->refusal,
		.arg = options->arg,
		.body_ceiling =
			options->body_ceiling ? options->body_ceiling : BODY_CEILING,
	};
	if (options->http2)
		speak_http2(web, options, idle_ns);
	if (accept_clients(web, options, host, err) && watch_clients(web, err) &&
		start_daemon(web, options, idle_ns, err)) {
		web_pump_wake(web->pump);
		return web;
	}
	if (options->inetd)
		err_while(err, "listen on stdin");
	else if (options->socket)
		err_while(err, "listen on %s", options->socket);
	else
		err_while(err, v6 ? "listen on [%s]:%u" : "listen on %s:%u", host,
			(unsigned)options->port);
	web_destroy(web);
	return NULL;
}

uint16_t web_port(const struct web *web)
{
	return web->port;
}

unsigned web_exchanges(const struct web *web)
{
	return web->exchanges.open;
}

unsigned web_connections(const struct web *web)
{
	return web->connections + web_newcomers_count(web->newcomers);
}

void web_destroy(struct web *web)
{
	if (!web)
		return;
	close_listener(web);
	web_exchanges_break(&web->exchanges);
	web_newcomers_destroy(web->newcomers);
	web_http2_destroy(web->http2);
	web_pump_destroy(web->pump);
	web_watch_destroy(web->watch);
	loop_timer_destroy(web->linger);
	free(web);
}

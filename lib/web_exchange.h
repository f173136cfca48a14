/*
 * web_exchange - one request of web, from its header to its end, and what it says.
 *
 * Users include web.h, and answer with the calls of web_response.h.
 */
#ifndef LIB_WEB_EXCHANGE_H
#define LIB_WEB_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/web_pump.h"

#define WEB_UNSENT_MAX ((size_t)8 << 20) /* bytes of a stream */

struct web_exchange;

enum web_end {
	WEB_ANSWERED, /* the kernel has the whole answer */
	WEB_LEFT,     /* the client left first */
	WEB_BROKEN,   /* reset, timeout, web_destroy(), an answer that cannot be sent */
};

/* A client's TCP connection, which may carry several exchanges. */
struct web_connection {
	void *data;    /* for the owner; NULL at first */
	uint16_t port; /* the client's; 0: at a unix socket */

	/* The rest is for web. */
	int fd;
	bool left;                     /* the client has closed or shut its direction */
	struct web_exchange *exchange; /* the one that is not over, or NULL */
	struct web_exchanges *all;
	struct web_connection *prev, *next; /* among the unread, see below */
	bool is_unread;
	char *target; /* of the request that is under way; NULL: not kept */
};

/* A whole request, to be answered now or later. */
typedef void web_handle_fn(void *arg, struct web_exchange *exchange);
/* Once for each exchange, which ends with this call. */
typedef void web_over_fn(void *arg, struct web_exchange *exchange, enum web_end end);
/* Its last exchange is over, and it ends with this call, whoever closed it. */
typedef void web_closed_fn(void *arg, struct web_connection *client);
/* web refuses a request itself, whose body is too large (413): appends whole lines of the
 * head, each with its \r\n, and the body, which is JSON. The exchange was not handed over
 * and ends. */
typedef void web_refusal_fn(void *arg, const struct web_exchange *exchange,
	struct buf *head, struct buf *body);
/* web answered a request itself, with this status. */
typedef void web_refused_fn(void *arg, unsigned status);

/* All the exchanges of one web, which embeds it. */
struct web_exchanges {
	struct web_pump *pump;
	uv_loop_t *loop;
	bool tls;
	web_handle_fn *handle;
	web_over_fn *over;
	web_refusal_fn *refusal;
	web_refused_fn *refused;
	void *arg;
	size_t body_ceiling;
	struct web_exchange *list;
	unsigned arriving; /* exchanges whose body is not whole */
	unsigned open;     /* exchanges handed over and not over */
	unsigned activity; /* counts pieces that arrive, and ends */
	bool closing;      /* every answer carries Connection: close */
	bool unread;       /* clients left whose last bytes may not have been read */
	/* Those of them without an exchange, because their header is not whole. */
	struct web_connection *unread_clients;
};

enum web_exchange_state {
	WEB_EXCHANGE_ARRIVING,  /* the body is not whole; not handed over */
	WEB_EXCHANGE_HANDED,    /* handed over, not answered */
	WEB_EXCHANGE_ANSWERED,  /* the answer is whole and being sent */
	WEB_EXCHANGE_STREAMING, /* the answer is being sent, more may follow */
	WEB_EXCHANGE_CUT,       /* what was added is being sent, without its end */
	WEB_EXCHANGE_SHUT,      /* half-closed: there will be no answer */
	WEB_EXCHANGE_FAILED,    /* ending; `end` says why */
};

struct web_exchange {
	/* For the owner: it sets `data` and reads the rest. The path, which has no
	 * query, is decoded, unless that would put a NUL into it. */
	void *data;
	const char *method, *path;
	struct buf body;
	struct web_connection *client; /* outlives the exchange */

	/* The rest is for web. */
	struct web_exchanges *all;
	struct web_exchange *prev, *next;
	struct MHD_Connection *connection;
	int fd;
	enum web_exchange_state state;
	enum web_end end;
	bool handed;         /* to the owner */
	int64_t answered_ns; /* when the answer was whole */
	unsigned status;
	struct MHD_Response *response; /* until microhttpd has it */
	struct buf headers;            /* of the answer: name, NUL, value, NUL */
	struct buf stream;
	size_t streamed;   /* bytes of `stream` that microhttpd has */
	bool takes_chunks; /* HTTP/1.1: a stream goes out in chunks */
	bool parked;       /* microhttpd has suspended the connection */
};

/* The i-th value of a name in the query, from 0, decoded like the path; "" for a bare
 * name. NULL: there is none. Borrowed until the exchange is over, as is the header. */
const char *web_query(
	const struct web_exchange *exchange, const char *name, unsigned i);
const char *web_header(const struct web_exchange *exchange, const char *name);

/* Each header of the request, in its order, borrowed. */
typedef void web_header_fn(void *arg, const char *name, const char *value);
void web_each_header(
	const struct web_exchange *exchange, web_header_fn *each, void *arg);

/* "/a%20b?c=d": path and query as they came. Of a web whose options have keeps_target. */
const char *web_target(const struct web_exchange *exchange);

/* For microhttpd; cls is the struct web_exchanges. */
enum MHD_Result web_exchange_on_request(void *cls, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_len, void **context);
void web_exchange_on_end(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);

/* Ends all as WEB_BROKEN; none stays parked, so the daemon may be stopped. */
void web_exchanges_break(struct web_exchanges *exchanges);

/* Cuts the connections whose whole answer has not been taken for patience_ns, counted
 * from since_ns at the earliest. Gives when the next one is due; 0: none waits. */
int64_t web_exchanges_cut_unsent(
	struct web_exchanges *exchanges, int64_t since_ns, int64_t patience_ns);

/* The client of a web_connection, `arg`, has left. An exchange ends with that while it is
 * parked or arriving, for microhttpd does not notice it then. */
void web_exchange_on_left(void *arg);

/* After each run of microhttpd: ends exchanges whose bodies will never be whole, and
 * connections whose headers will not. */
void web_exchanges_look_again(struct web_exchanges *exchanges);

/* The connection has ended. */
void web_exchanges_forget(struct web_connection *client);

/* From microhttpd's callbacks for this connection: suspends it until
 * web_exchange_wake(). The exchange ends when the client leaves, or has left before. */
void web_exchange_park(struct web_exchange *exchange);
void web_exchange_wake(struct web_exchange *exchange);

/* Likewise: parks for good, and shuts the server's direction. */
void web_exchange_shut(struct web_exchange *exchange);

/* The only writers of `state`. They wake, unless nothing will follow. */
void web_exchange_enter(struct web_exchange *exchange, enum web_exchange_state state);
void web_exchange_fail(struct web_exchange *exchange, enum web_end end);

#endif

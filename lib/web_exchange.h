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

struct web_protocol;
struct web_http2_connection;

/* A client's TCP connection, which may carry several exchanges: of HTTP/1.1 one after the
 * other. */
struct web_connection {
	void *data;    /* for the owner; NULL at first */
	uint16_t port; /* the client's; 0: at a unix socket */

	/* The rest is for web. */
	int fd;
	bool left; /* the client has closed or shut its direction */
	struct web_exchange
		*exchange; /* of HTTP/1.1: the one that is not over, or NULL */
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
	bool closing;      /* draining: clients are told to ask no more */
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
	const struct web_protocol *protocol;
	enum web_exchange_state state;
	enum web_end end;
	bool handed;         /* to the owner */
	int64_t answered_ns; /* when the answer was whole, or cut */
	struct buf headers;  /* of the answer: name, NUL, value, NUL */
	struct buf stream;
	size_t streamed; /* bytes of `stream` that were sent */

	/* Of HTTP/1.1. */
	struct MHD_Connection *connection;
	struct MHD_Response *response; /* until microhttpd has it */
	unsigned status;
	bool takes_chunks; /* HTTP/1.1: a stream goes out in chunks */
	bool parked;       /* microhttpd has suspended the connection */

	/* Of HTTP/2. */
	struct web_http2_connection *http2;
	int32_t stream_id;
	bool whole;       /* the request is */
	size_t surplus;   /* bytes of it that came after it was refused */
	bool is_head;     /* no body is to be sent */
	bool sent;        /* the end of the answer was */
	struct buf head;  /* of the request: name, NUL, value, NUL */
	struct buf query; /* likewise, decoded */
	char *decoded;    /* the path */
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

/* How the exchanges of one version of HTTP are read and answered. */
struct web_protocol {
	const char *(*header)(const struct web_exchange *exchange, const char *name);
	void (*each_header)(
		const struct web_exchange *exchange, web_header_fn *each, void *arg);
	const char *(*query)(
		const struct web_exchange *exchange, const char *name, unsigned i);
	const char *(*target)(const struct web_exchange *exchange);

	/* The whole answer, or the head of a stream, with the exchange's headers. Then
	 * its state changes. */
	void (*reply)(struct web_exchange *exchange, unsigned status, const char *type,
		const char *body, size_t len);
	void (*begin_stream)(
		struct web_exchange *exchange, unsigned status, const char *type);

	/* There is a new state, or more to send. */
	void (*wake)(struct web_exchange *exchange);
	void (*half_close)(struct web_exchange *exchange);
	/* Before it fails: the connection ends now where it serves this exchange alone,
	 * with a TCP RST or a FIN. */
	void (*sever)(struct web_exchange *exchange, bool reset);
};

/* A request arrives. Keeps client. */
struct web_exchange *web_exchange_begin(struct web_exchanges *all,
	struct web_connection *client, const struct web_protocol *protocol);
void web_exchange_hand_over(struct web_exchange *exchange); /* it is whole */

/* The body is larger than its ceiling: what to answer, see web_refusal_fn. */
void web_exchange_refuse_body(
	struct web_exchange *exchange, struct buf *head, struct buf *body);

/* The only writers of `state`. They wake, unless nothing will follow. */
void web_exchange_enter(struct web_exchange *exchange, enum web_exchange_state state);
void web_exchange_fail(struct web_exchange *exchange, enum web_end end);
void web_exchange_cut(
	struct web_exchange *exchange, enum web_end end); /* severs, too */

/* Bytes of the stream that were not sent. */
size_t web_exchange_unsent(const struct web_exchange *exchange);

/* It is over; frees it. */
void web_exchange_end(struct web_exchange *exchange, enum web_end end);

/* Ends all as WEB_BROKEN; none stays parked, so the daemon may be stopped. */
void web_exchanges_break(struct web_exchanges *exchanges);

/* Cuts the connections whose whole answer has not been taken for patience_ns, counted
 * from since_ns at the earliest. Gives when the next one is due; 0: none waits. */
int64_t web_exchanges_cut_unsent(
	struct web_exchanges *exchanges, int64_t since_ns, int64_t patience_ns);

#endif

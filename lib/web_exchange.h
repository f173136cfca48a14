/*
 * web_exchange - one request and its answer, from the inside.
 *
 * Private to web, whose users include lib/web.h. web_exchange.c leads a request from its
 * header to its end; web_response.c holds the calls with which the owner answers it.
 */
#ifndef LIB_WEB_EXCHANGE_H
#define LIB_WEB_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "lib/web.h"
#include "lib/web_pump.h"

/* All the exchanges of one web, which embeds it. */
struct web_exchanges {
	struct web_pump *pump;
	uv_loop_t *loop;
	web_handle_fn *handle;
	web_over_fn *over;
	web_refused_fn *refused;
	void *arg;
	size_t body_ceiling;
	struct web_exchange *list;
	unsigned arriving; /* exchanges whose body is not whole */
	unsigned open;     /* exchanges handed over and not over */
	unsigned activity; /* counts pieces that arrive, and ends */
	bool closing;      /* every answer carries Connection: close */
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
	struct web_exchanges *all;
	struct web_exchange *prev, *next;
	struct MHD_Connection *connection;
	int fd;
	enum web_exchange_state state;
	enum web_end end;
	void *data; /* the owner's */

	const char *method;
	const char *path;
	struct buf body;

	bool handed;         /* to the owner */
	int64_t answered_ns; /* when the answer was whole */
	unsigned status;
	struct MHD_Response *response; /* until microhttpd has it */
	struct buf headers;            /* of the answer: name, NUL, value, NUL */
	struct buf stream;
	size_t streamed; /* bytes of `stream` that microhttpd has */

	bool parked;        /* microhttpd has suspended the connection */
	uv_poll_t leaving;  /* watches the client while parked or arriving */
	bool leaving_known; /* `leaving` is a handle of the loop */
};

/* For microhttpd; cls is the struct web_exchanges. */
enum MHD_Result web_exchange_on_request(void *cls, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_len, void **context);
void web_exchange_on_end(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);

/* Ends all as WEB_BROKEN; none stays parked, so the daemon may be stopped. */
void web_exchanges_break(struct web_exchanges *exchanges);

/* Cuts the connections whose whole answer has not been taken for patience_ns, counted from
 * since_ns at the earliest. Gives when the next one is due; 0: none waits. */
int64_t web_exchanges_cut_unsent(
	struct web_exchanges *exchanges, int64_t since_ns, int64_t patience_ns);

/* From microhttpd's callbacks for this connection. Parking suspends the connection until
 * web_exchange_wake(). While it is watched, the exchange ends when the client leaves. */
void web_exchange_park(struct web_exchange *exchange);
void web_exchange_watch(struct web_exchange *exchange);
void web_exchange_wake(struct web_exchange *exchange);

/* Likewise: parks and watches for good, and shuts the server's direction. */
void web_exchange_shut(struct web_exchange *exchange);

/* The only writers of `state`. They wake, unless nothing will follow. */
void web_exchange_enter(struct web_exchange *exchange, enum web_exchange_state state);
void web_exchange_fail(struct web_exchange *exchange, enum web_end end);

#endif

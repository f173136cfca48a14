/*
 * http_exchange - one request of Streamable HTTP and the messages that answer it.
 *
 * The answer is a JSON-RPC message, a batch, or a stream of events with a message each.
 * A stream that ends too early can be begun again after its last event, which is a GET:
 * an exchange may begin several times, one after the other.
 */
#ifndef SERVICE_MCP_HTTP_EXCHANGE_H
#define SERVICE_MCP_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fetch.h"
#include "lib/sse.h"
#include "lib/strlist.h"

struct http_exchange;

struct http_exchange_end {
	enum fetch_end end;
	long status;     /* 0: no answer */
	const char *why; /* "" when the status is 2xx and the answer is whole */
	int64_t code;    /* of a JSON-RPC error in the body, or 0 */
	bool stale;      /* a connection that was open before turned out to be dead */
};

/* All from the loop; each may drop the exchange. */
struct http_exchange_owner {
	/* The head of a 2xx answer with a body, see http_exchange_header(). */
	void (*headed)(void *arg, struct http_exchange *exchange);
	/* A message or a batch, borrowed. */
	void (*message)(void *arg, struct http_exchange *exchange, const char *text,
		size_t len);
	/* What was begun is over: it may begin again, or be dropped. */
	void (*over)(void *arg, struct http_exchange *exchange,
		const struct http_exchange_end *end);
};

enum http_exchange_kind {
	HTTP_EXCHANGE_REQUEST, /* POST, which is answered by messages */
	HTTP_EXCHANGE_NOTICE,  /* POST of a notification, or of an answer of ours */
	HTTP_EXCHANGE_LISTEN,  /* GET: what the server says unasked */
	HTTP_EXCHANGE_DELETE,
};

/* The first part is its owner's. */
struct http_exchange {
	struct http_exchange *prev, *next;
	enum http_exchange_kind kind;
	int64_t id;            /* HTTP_EXCHANGE_REQUEST */
	unsigned session;      /* after which handshake it was begun, by its number */
	bool in_session;       /* begun with a session id */
	unsigned failures;     /* beginnings in a row that brought nothing */
	int64_t due_ns;        /* when to begin again; 0: not waiting */
	int64_t drop_ns;       /* when to drop it, though it goes on; 0: never */
	bool begun;            /* at least once */
	bool answered;         /* nobody waits for it */
	bool once;             /* it must not be sent twice */
	bool handshake;        /* initialize */
	char *text;            /* of a POST */
	struct strlist extras; /* headers of this message alone */

	const struct http_exchange_owner *owner;
	void *arg;
	struct fetch_call *call; /* NULL: not under way */
	struct sse sse;          /* its id and retry time stay */
	bool is_stream;          /* the answer is one of events */
	bool headed;
	bool received; /* since it began: an event or a whole body */
	struct buf json;
	struct strlist queue; /* messages to be handed over */
	bool dropped;
	unsigned busy; /* callbacks that are running */
};

/* Keeps owner; copies text, which may be NULL. */
struct http_exchange *http_exchange_create(enum http_exchange_kind kind,
	const char *text, const struct http_exchange_owner *owner,
	void *arg) MUST_CHECK;

/* Borrows all. A GET if it resumes a stream or listens. */
bool http_exchange_begin(struct http_exchange *exchange, struct fetch *fetch,
	const char *url, const char *const *headers, bool fresh,
	struct err *err) MUST_CHECK;

/* Can its stream be begun again, after its last event? */
bool http_exchange_can_resume(const struct http_exchange *exchange);

/* Of the answer, in `headed`; NULL: it has none. Only "Mcp-Session-Id". */
const char *http_exchange_header(
	const struct http_exchange *exchange, const char *name);

/* Breaks it off, if it is under way, and frees it. Accepts NULL. */
void http_exchange_drop(struct http_exchange *exchange);

#endif

/*
 * web_http1 - the exchanges of HTTP/1.1: microhttpd reads requests and writes answers.
 *
 * Private to web.c.
 */
#ifndef LIB_WEB_HTTP1_H
#define LIB_WEB_HTTP1_H

#include <microhttpd.h>

#include "lib/web_exchange.h"

/* For microhttpd; cls is the struct web_exchanges. */
enum MHD_Result web_http1_on_request(void *cls, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_len, void **context);
void web_http1_on_end(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);

/* The client of a web_connection, `arg`, has left. An exchange ends with that while it is
 * parked or arriving, for microhttpd does not notice it then. */
void web_http1_on_left(void *arg);

/* After each run of microhttpd: ends exchanges whose bodies will never be whole, and
 * connections whose headers will not. */
void web_http1_look_again(struct web_exchanges *exchanges);

/* The connection has ended. */
void web_http1_forget(struct web_connection *client);

#endif

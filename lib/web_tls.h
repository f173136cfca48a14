/*
 * web_tls - has a client of a web with TLS shown a certificate that its authority signed?
 *
 * microhttpd asks for one and takes any, or none: the handshake alone proves nothing.
 */
#ifndef LIB_WEB_TLS_H
#define LIB_WEB_TLS_H

#include <microhttpd.h>
#include <stdbool.h>

/* Within a request of the connection. The certificate is in time, for clients, and of the
 * authority that the web was given. */
bool web_tls_knows_client(struct MHD_Connection *connection);

#endif

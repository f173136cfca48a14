/*
 * http_client - a blocking HTTP client that sends any bytes, and sees resets, half
 * answers and silence.
 */
#ifndef TEST_SUPPORT_HTTP_CLIENT_H
#define TEST_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"

#define HTTP_PATIENCE_MS 10000

/* One connection and the bytes that came over it. */
struct http_client {
	int fd;
	struct buf raw;
};

struct http_answer {
	int status;
	char *headers;
	cJSON *body; /* NULL: none, or no JSON */
};

enum http_end {
	HTTP_OPEN,   /* it has not ended */
	HTTP_EOF,    /* orderly */
	HTTP_RESET,  /* by RST */
	HTTP_SILENT, /* nothing came in the time given */
};

/* Connects to a port of loopback. -1: refused or reset. */
int http_dial(uint16_t port);
/* Waits until the port refuses connections. */
void http_wait_refused(uint16_t port);
/* Sends the text as it is. */
void http_send_text(int fd, const char *text);
/* Adds what has come to buf, without waiting. 1: there may be more, 0: orderly end, else
 * -errno. */
int http_receive(int fd, struct buf *buf);

void http_open(struct http_client *client, uint16_t port);
void http_close(struct http_client *client);

/* Sends a request. `headers` is "" or lines that each end in CRLF; body may be NULL. */
void http_send(struct http_client *client, const char *method, const char *path,
	const char *headers, const char *body);
/* Waits once for more bytes. HTTP_OPEN: some came. */
enum http_end http_read(struct http_client *client, int patience_ms);
/* Reads on until the connection ends: HTTP_EOF also after the last chunk of a stream. */
enum http_end http_read_all(struct http_client *client, int patience_ms);

/* What is behind the head of the answer, as it came; NULL: no whole head yet. */
const char *http_raw_body(const struct http_client *client);
/* Adds the body to text, without its chunks' heads. True: it is whole. */
bool http_body(const struct http_client *client, struct buf *text);

/* Reads a stream until its body contains text. */
void http_expect(struct http_client *client, const char *text);
/* How often the body contains text. */
unsigned http_count(const struct http_client *client, const char *text);
/* Waits for a whole answer, and forgets its bytes. For http_answer_done(). */
struct http_answer http_answer(struct http_client *client);
void http_answer_done(struct http_answer *answer);

#endif

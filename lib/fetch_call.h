/*
 * fetch_call - one request of a fetch, as curl takes it: options in, result out.
 *
 * Private to fetch.c. Curl's callbacks only fill buffers and set flags; what is to be
 * handed over waits in the queue of the fetch.
 */
#ifndef LIB_FETCH_CALL_H
#define LIB_FETCH_CALL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fetch.h"

struct fetch_call {
	struct fetch *fetch;
	struct fetch_call *prev, *next; /* among the calls of its fetch */
	struct fetch_call *
		*queue; /* that of its fetch: calls with something to hand over */
	struct fetch_call *queue_prev, *queue_next;
	bool queued;
	CURL *easy; /* NULL: not begun, or over */
	struct curl_slist *headers;
	int file; /* to upload, or -1 */
	int64_t file_left;
	uv_timer_t deadline;
	int64_t deadline_ns;
	int64_t timeout_ns;
	bool attempted;    /* the request was about to be written to a connection */
	bool opened;       /* a new connection was opened for it */
	bool headed;       /* the head of the answer came whole */
	bool repeated;     /* curl was about to send it a second time */
	bool over;         /* the result is complete */
	bool gone;         /* done or canceled: only its handle is left */
	const char *blame; /* why a callback made curl stop, or NULL */
	struct buf body;
	struct buf arrived; /* of a streamed body, not handed over yet */
	fetch_data_fn *data;
	fetch_done_fn *done;
	void *arg;
	struct fetch_result result;
	char why[CURL_ERROR_SIZE];
};

/* Sets the options of call->easy, which is new or reset, for request. */
bool fetch_call_prepare(struct fetch_call *call, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* Complete the result, with what curl reports or with another end, and queue the
 * call. */
void fetch_call_conclude(struct fetch_call *call, CURLcode code);
void fetch_call_finish(struct fetch_call *call, enum fetch_end end, const char *why);

/* Releases what the easy handle used, once it was reset or freed. */
void fetch_call_unload(struct fetch_call *call);

void fetch_call_unqueue(struct fetch_call *call);

#endif

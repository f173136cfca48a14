/*
 * fetch_call - one request of a fetch, as curl sees it: options in, result out.
 *
 * Private to fetch.c. Curl's callbacks only fill buffers and take notes; what is
 * then to be handed over waits in the fetch's queue.
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
	struct fetch_call **queue;      /* those that have something to hand over */
	struct fetch_call *queue_prev, *queue_next;
	bool queued;
	CURL *easy; /* NULL: not under way (any more) */
	struct curl_slist *headers;
	int file; /* to upload, or -1 */
	int64_t file_left;
	uv_timer_t deadline;
	int64_t deadline_ns;
	int64_t timeout_ns;
	bool attempted;    /* a connection stood, the request was about to be written */
	bool opened;       /* a connection had to be made for it */
	bool headed;       /* the head of the answer came whole */
	bool repeated;     /* curl was about to send it a second time */
	bool over;         /* the result is complete */
	bool gone;         /* told or cancelled: only its handle is left */
	const char *blame; /* why we made curl give up, or NULL */
	struct buf body;
	struct buf arrived; /* of a streamed body, not handed over yet */
	fetch_data_fn *data;
	fetch_done_fn *done;
	void *arg;
	struct fetch_result result;
	char why[CURL_ERROR_SIZE];
};

/* Tells call->easy, which is as good as new, what request wants. */
bool fetch_call_prepare(struct fetch_call *call, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* Completes the result, from what curl says or with an end of our own; queues it. */
void fetch_call_conclude(struct fetch_call *call, CURLcode code);
void fetch_call_finish(struct fetch_call *call, enum fetch_end end, const char *why);

/* Lets go of what curl was using, when the easy handle knows nothing of it any more. */
void fetch_call_unload(struct fetch_call *call);

void fetch_call_unqueue(struct fetch_call *call);

#endif

/*
 * fetch_curl - a call of fetch as curl takes it: options in, result out.
 *
 * Private to fetch.c, which runs curl's multi interface.
 */
#ifndef LIB_FETCH_CURL_H
#define LIB_FETCH_CURL_H

#include "lib/fetch_call.h"

/* Sets the options of call->easy, which is new or reset, for request. */
bool fetch_curl_prepare(struct fetch_call *call, const struct fetch_request *request,
	struct err *err) MUST_CHECK;

/* Complete the result, with what curl reports or with another end, and queue the
 * call. */
void fetch_curl_conclude(struct fetch_call *call, CURLcode code);
void fetch_curl_finish(struct fetch_call *call, enum fetch_end end, const char *why);

/* At least a part of the request has left on a connection. */
bool fetch_curl_has_left(const struct fetch_call *call);

/* Releases what the easy handle used, once it was reset or freed. */
void fetch_curl_unload(struct fetch_call *call);

#endif

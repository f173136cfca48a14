/*
 * reply_stream - the answer of the Messages API to one request, put together again from
 * its stream of events.
 */
#ifndef MOCK_AGENT_CLI_REPLY_STREAM_H
#define MOCK_AGENT_CLI_REPLY_STREAM_H

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Gives the caller the message: its content blocks whole, with "stop_reason" and
 * "usage". NULL: the stream has an error, or ends too early. */
cJSON *reply_stream_read(const struct buf *body, struct err *err) MUST_CHECK;

#endif

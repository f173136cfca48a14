/*
 * answer_format - a wire format for answer: how a request is read, and how a message is
 * written, whole or in the frames of a stream.
 *
 * A format knows nothing of sessions, latencies or faults. What is the same in each
 * delta of a block it composes once, in message->delta_head.
 */
#ifndef MOCK_AGENT_ANSWER_ANSWER_FORMAT_H
#define MOCK_AGENT_ANSWER_ANSWER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "mock-agent/answer/message.h"

struct api_request;
struct response_form;

/* What an answer lets go of. Who takes it over leaves zeroed ones behind. */
struct answer_detached {
	struct conversation *conversation;
	struct message *message; /* points to the conversation */
	struct client_request *client;
};

struct answer_format {
	const char *api; /* "messages": as events call it */
	struct message_prefixes prefixes;
	const struct response_form *whole_form, *stream_form; /* for faults */

	/* Fills a conversation that has begun from request->body. False: the request was
	 * refused. */
	bool (*read)(struct conversation *conversation, struct api_request *request);

	/* Appends the whole message. */
	void (*whole)(struct message *message, struct buf *body);

	/* Append frames of the stream: its begin, the begin of a block, `len` bytes of
	 * the block's text, the end of the block, and of the stream. */
	void (*begin)(struct message *message, struct buf *frames);
	void (*block_begin)(
		struct message *message, struct block *block, struct buf *frames);
	void (*delta)(struct message *message, struct block *block, const char *text,
		size_t len, struct buf *frames);
	void (*block_end)(
		struct message *message, struct block *block, struct buf *frames);
	void (*end)(struct message *message, struct buf *frames);

	/* Keeps what later requests may name of a message, before its end is sent. NULL:
	 * nothing. */
	void (*keep)(const struct message *message, struct api_request *request);

	/* Takes over the message of a client that does not wait for it, and answers the
	 * request, whose body it takes too. False: the client waits. NULL: all do. */
	bool (*detach)(
		struct api_request *request, const struct answer_detached *detached);
};

#endif

/*
 * webhook - one message, as the chat system posts it:
 *
 *   {"creator": {"id": 1, "name": "Ann"}, "room": {"id": 7, "name": "Plans"},
 *    "content": "hello"}
 *
 * Other members are ignored. A room is its id as text, as in the store, the metadata
 * and the MCP servers' environment: 7 and "7" are one room, and a number keeps all of
 * its digits.
 */
#ifndef SERVICE_WEBHOOK_H
#define SERVICE_WEBHOOK_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/err.h"

#define WEBHOOK_ROOM_MAX 200

struct webhook {
	char *room;          /* the id, as text; owned */
	bool room_is_number; /* as written in the message */
	char *content;       /* owned; not empty */
};

/* The error is "body:LINE:COLUMN: what". */
bool webhook_read(
	struct webhook *webhook, const struct buf *body, struct err *err) MUST_CHECK;
void webhook_done(struct webhook *webhook);

#endif

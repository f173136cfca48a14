/*
 * webhook - one message, as the chat system posts it:
 *
 *   {"creator": {"id": 1, "name": "Ann"}, "room": {"id": 7, "name": "Plans"},
 *    "content": "hello"}
 *
 * Members that we don't know are the chat system's business. A room is its id as text,
 * which is what the store, the metadata and the MCP servers' environment have: 7 and "7"
 * are one room, and a number keeps all of its digits.
 */
#ifndef SERVICE_WEBHOOK_H
#define SERVICE_WEBHOOK_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/err.h"

#define WEBHOOK_ROOM_MAX 200

struct webhook {
	char *room;          /* the id, as text; owned */
	bool room_is_number; /* that is how it was written */
	char *content;       /* owned; not empty */
};

/* "body:LINE:COLUMN: what" when it is wrong. */
bool webhook_read(
	struct webhook *webhook, const struct buf *body, struct err *err) MUST_CHECK;
void webhook_done(struct webhook *webhook);

#endif

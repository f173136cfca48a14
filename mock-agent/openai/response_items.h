/*
 * response_items - the items of the Responses API: what goes into a response, and what
 * the next one needs of it.
 *
 * The ids of a response's items are made of its own id, "resp_X": "msg_X", "fc_X",
 * "fc_X_1". So an item that a client names leads to its response.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_ITEMS_H
#define MOCK_AGENT_OPENAI_RESPONSE_ITEMS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "mock-agent/answer/conversation.h"
#include "mock-agent/answer/message.h"
#include "mock-agent/api/api_request.h"
#include "mock-agent/openai/response_store.h"

#define RESPONSE_ITEM_ID_SIZE (API_FORMAT_ID_SIZE + 8)

/* The id of a block's item. */
void response_items_id(char id[RESPONSE_ITEM_ID_SIZE], const struct message *message,
	const struct block *block);

/* Appends the item of a block, as it is when it is done. */
void response_items_write(
	const struct message *message, const struct block *block, struct buf *text);

/* Reads the items of a request, with those of previous_response_id in front, into the
 * conversation. False: the request was refused. */
bool response_items_read(struct conversation *conversation,
	const struct response_store *store, struct api_request *request);

/* Texts to free(): the items that came with the request, and those that an answer to
 * the next one needs, which are the last prompt and all behind it. */
char *response_items_input(const struct conversation *conversation);
char *response_items_context(const struct message *message);

#endif

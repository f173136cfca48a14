/*
 * response_store - the responses that a client may name later: by GET, by DELETE, or as
 * previous_response_id.
 *
 * It is bounded by number and by bytes: the oldest responses are forgotten first, and
 * one that does not fit by itself is not kept at all.
 */
#ifndef MOCK_AGENT_OPENAI_RESPONSE_STORE_H
#define MOCK_AGENT_OPENAI_RESPONSE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

#define RESPONSE_STORE_MAX     1000
#define RESPONSE_STORE_CEILING ((size_t)64 << 20) /* bytes of text, of all together */

/* JSON texts, owned by the store. */
struct stored_response {
	char *id;
	char *body;    /* the response, as it was answered */
	char *input;   /* a list: the input of its request, as items */
	char *context; /* a list: the items that an answer to the next one needs */
	size_t bytes;
	UT_hash_handle hh; /* in the order in which they were stored */
};

/* A zeroed one is a valid empty one. */
struct response_store {
	struct stored_response *by_id;
	size_t bytes;
};

/* Takes the texts. A response of the same id is replaced. */
void response_store_put(struct response_store *store, const char *id, char *body,
	char *input, char *context);

/* NULL: there is none. Borrowed until the next change. */
const struct stored_response *response_store_find(
	const struct response_store *store, const char *id);

/* False: there is none. */
bool response_store_remove(struct response_store *store, const char *id);
void response_store_clear(struct response_store *store);

#endif

#include "mock-agent/openai/response_store.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static void drop(struct response_store *store, struct stored_response *stored)
{
	HASH_DEL(store->by_id, stored);
	store->bytes -= stored->bytes;
	free(stored->id);
	free(stored->body);
	free(stored->input);
	free(stored->context);
	free(stored);
}

/* uthash iterates in the order of insertion, so that the head is the oldest. */
static void make_room(struct response_store *store)
{
	while (store->by_id &&
		(HASH_COUNT(store->by_id) > RESPONSE_STORE_MAX ||
			store->bytes > RESPONSE_STORE_CEILING))
		drop(store, store->by_id);
}

void response_store_put(struct response_store *store, const char *id, char *body,
	char *input, char *context)
{
	struct stored_response *stored = mem_zeroed(sizeof *stored);

	(void)response_store_remove(store, id);
	stored->id = mem_text(id);
	stored->body = body;
	stored->input = input;
	stored->context = context;
	stored->bytes = strlen(body) + strlen(input) + strlen(context);
	store->bytes += stored->bytes;
	HASH_ADD_KEYPTR(hh, store->by_id, stored->id, strlen(stored->id), stored);
	make_room(store);
}

static struct stored_response *find(const struct response_store *store, const char *id)
{
	struct stored_response *stored;

	HASH_FIND_STR(store->by_id, id, stored);
	return stored;
}

const struct stored_response *response_store_find(
	const struct response_store *store, const char *id)
{
	return find(store, id);
}

bool response_store_remove(struct response_store *store, const char *id)
{
	struct stored_response *stored = find(store, id);

	if (stored)
		drop(store, stored);
	return stored != NULL;
}

void response_store_clear(struct response_store *store)
{
	while (store->by_id)
		drop(store, store->by_id);
}

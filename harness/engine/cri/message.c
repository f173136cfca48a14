#include "harness/engine/cri/message.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void *message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = mem_zeroed(type->sizeof_message);

	protobuf_c_message_init(type, message);
	return message;
}

void message_free(void *pointer_to_pointer)
{
	ProtobufCMessage **message = pointer_to_pointer;

	protobuf_c_message_free_unpacked(*message, NULL);
}

void message_set(char **field, const char *text)
{
	if (text)
		*field = mem_text(text);
}

void message_add(void *list, size_t *n, void *item)
{
	void ***items = list;

	*items = mem_grown(*items, *n + 1, sizeof **items);
	(*items)[(*n)++] = item;
}

void message_add_text(char ***list, size_t *n, const char *text)
{
	message_add(list, n, mem_text(text));
}

void message_add_pair(Cri__Pair ***list, size_t *n, const char *key, const char *value)
{
	Cri__Pair *pair = message_new(&cri__pair__descriptor);

	pair->key = mem_text(key);
	pair->value = mem_text(value);
	message_add(list, n, pair);
}

const char *message_pair(Cri__Pair *const *list, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i]->key, key) == 0)
			return list[i]->value;
	}
	return NULL;
}

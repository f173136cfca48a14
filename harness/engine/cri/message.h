/*
 * message - protobuf messages on the heap that own what is in them.
 *
 * Strings and lists in them are allocated, so that a message is freed whole; what the
 * decoder made and what we made are alike.
 */
#ifndef HARNESS_ENGINE_CRI_MESSAGE_H
#define HARNESS_ENGINE_CRI_MESSAGE_H

#include <stdarg.h>
#include <stddef.h>

#include "harness/engine/cri/cri.pb-c.h"
#include "lib/cc.h"

/* A new message with its defaults; the caller's. */
void *message_new(const ProtobufCMessageDescriptor *type) MUST_CHECK;

/* For SCOPED(message_free) Cri__PodSandbox *sandbox = ...; NULL is accepted. */
void message_free(void *pointer_to_pointer);

/* Sets a string, in place of the default. Copies; NULL leaves it. */
void message_set(char **field, const char *text);

/* Add to a repeated field, whose count is *n. Copy. */
void message_add_text(char ***list, size_t *n, const char *text);
void message_add_pair(Cri__Pair ***list, size_t *n, const char *key, const char *value);
/* Takes item. list is the address of the field. */
void message_add(void *list, size_t *n, void *item);

/* The value of a key; NULL: it is not there. Borrowed. */
const char *message_pair(Cri__Pair *const *list, size_t n, const char *key);

#endif

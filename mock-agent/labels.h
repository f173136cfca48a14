/*
 * labels - the numbers by which manners know sessions.
 *
 * A session's label is the number in its metadata.room, or else the first one, from 1,
 * that nobody has. Every attempt to open one has a label from its beginning, for it is
 * the label's manners that decide about it; an attempt that fails gives it back, so
 * that the next one is the same session to the manners. What rooms say is taken at
 * their word: a room may come that was a number's before.
 */
#ifndef MOCK_AGENT_LABELS_H
#define MOCK_AGENT_LABELS_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct labels;

struct labels *labels_create(void);
void labels_destroy(struct labels *labels); /* accepts NULL */

/* As new, but for the attempts that are under way. */
void labels_clear(struct labels *labels);

/* The label of an attempt to open a session with this metadata, which may be NULL. Once
 * it is decided, exactly one of the next two. */
int64_t labels_take(struct labels *labels, const cJSON *metadata) MUST_CHECK;

/* The session opened: its label stays taken until labels_clear(). */
void labels_keep(struct labels *labels, int64_t number);
void labels_give_back(struct labels *labels, int64_t number); /* it did not */

/* The label of a client that names itself: the same for the same name, for good. 0 when
 * there are too many names. */
int64_t labels_take_named(struct labels *labels, const char *name) MUST_CHECK;

#endif

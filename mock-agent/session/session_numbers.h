/*
 * session_numbers - the numbers by which behavior know sessions.
 *
 * A session's label is the number in its metadata.room, or else the first one, from 1,
 * that nobody has. Every attempt to open one has a label from its beginning, for it is
 * the label's behavior that decide about it; an attempt that fails gives it back, so
 * that the next one is the same session to the behavior. What rooms say is taken at
 * their word: a room may come that was a number's before.
 */
#ifndef MOCK_AGENT_SESSION_SESSION_NUMBERS_H
#define MOCK_AGENT_SESSION_SESSION_NUMBERS_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct session_numbers;

struct session_numbers *session_numbers_create(void);
void session_numbers_destroy(struct session_numbers *numbers); /* accepts NULL */

/* As new, but for the attempts that are under way. */
void session_numbers_clear(struct session_numbers *numbers);

/* The label of an attempt to open a session with this metadata, which may be NULL. Once
 * it is decided, exactly one of the next two. */
int64_t session_numbers_take(
	struct session_numbers *numbers, const cJSON *metadata) MUST_CHECK;

/* The session opened: its label stays taken until session_numbers_clear(). */
void session_numbers_keep(struct session_numbers *numbers, int64_t number);
void session_numbers_give_back(
	struct session_numbers *numbers, int64_t number); /* it did not */

/* The label of a client that names itself: the same for the same name, for good. 0 when
 * there are too many names. */
int64_t session_numbers_take_named(
	struct session_numbers *numbers, const char *name) MUST_CHECK;

#endif

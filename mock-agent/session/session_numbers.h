/*
 * session_numbers - the numbers of sessions, by which rules of the behavior name them.
 *
 * A session's number is its metadata.room, or else the first unused number from 1. An
 * attempt to open a session has its number from the beginning, because the number's
 * behavior decides about the attempt; a failed attempt gives it back, so that the next
 * attempt is the same session to the behavior. A room may use a number that was given
 * out before.
 */
#ifndef MOCK_AGENT_SESSION_SESSION_NUMBERS_H
#define MOCK_AGENT_SESSION_SESSION_NUMBERS_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* A zeroed one is empty. Written by session_numbers.c only. */
struct session_numbers {
	struct session_number *taken;
	int64_t full; /* all numbers from 1 to this one are in use */
};

/* Frees all numbers except those of attempts in progress. */
void session_numbers_clear(struct session_numbers *numbers);

/* The number for an attempt to open a session with this metadata, which may be NULL.
 * The caller ends the attempt with exactly one of the next two. */
int64_t session_numbers_take(
	struct session_numbers *numbers, const cJSON *metadata) MUST_CHECK;

/* The session opened: its number is in use until session_numbers_clear(). */
void session_numbers_keep(struct session_numbers *numbers, int64_t number);
void session_numbers_give_back(struct session_numbers *numbers, int64_t number);

/* The same for a room's name, which may be none (NULL) and need be no number. */
int64_t session_numbers_take_named(
	struct session_numbers *numbers, const char *name) MUST_CHECK;

#endif

/*
 * api_format - what the bodies of the API have in common: ids, times, errors, SSE
 * frames.
 */
#ifndef MOCK_AGENT_API_FORMAT_H
#define MOCK_AGENT_API_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/cc.h"

#define API_FORMAT_JSON "application/json"
#define API_FORMAT_SSE  "text/event-stream; charset=utf-8"

#define API_FORMAT_CEILING                                                             \
	((size_t)1 << 30) /* of a body: all that clients stored fits */

/* "sesn_01" and 22 random letters. They do not depend on the seed: a client that has
 * stored an id must not meet it again in another run. */
#define API_FORMAT_ID_SIZE 40
void api_format_id(char id[API_FORMAT_ID_SIZE], const char *prefix);

/* {"type":"error","error":{"type":...,"message":...},"request_id":...}: the caller's.
 * A NULL request_id is left out. */
cJSON *api_format_error(
	unsigned status, const char *message, const char *request_id) MUST_CHECK;

/* The same as text, and as the frame of a stream, without a request_id. */
void api_format_write_error(
	struct buf *body, unsigned status, const char *message, const char *request_id);
void api_format_error_frame(
	struct buf *frame, unsigned status, const char *message, unsigned sequence);

/* Appends "event: TYPE\ndata: JSON\n\n". */
void api_format_frame(struct buf *frame, const char *type, const char *json);
/* The same of an event whose "type" is the frame's. */
void api_format_event(struct buf *frame, const cJSON *event);

/* Sets member to the present time. */
void api_format_stamp(cJSON *object, const char *member);

/* Reads "2026-11-22T22:05:00.123Z" or "...+01:00": ns since 1970. */
bool api_format_time(const char *text, int64_t *ns) MUST_CHECK;

/* Sets member to a copy of value, or to null if that is NULL. */
void api_format_set(cJSON *object, const char *member, const cJSON *value);

/* Sets those of the named members (NULL-terminated) that `from` has. */
void api_format_merge(cJSON *object, const cJSON *from, const char *const *names);

/* Reports whether member is this text. */
bool api_format_is(const cJSON *object, const char *member, const char *text);

/* The text of a content: a string, or the text blocks of a list, one per line. Gives
 * the caller a string to free(). */
char *api_format_content_text(const cJSON *content) MUST_CHECK;

/* Merges patch over metadata: a string replaces, null removes. */
void api_format_patch_metadata(cJSON *metadata, const cJSON *patch);

/* Reports whether node is an object of strings, or of strings and nulls. */
bool api_format_is_metadata(const cJSON *node, bool with_nulls);

#endif

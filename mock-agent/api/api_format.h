/*
 * api_format - the small change of the API's bodies: ids, times, errors.
 */
#ifndef MOCK_AGENT_API_API_FORMAT_H
#define MOCK_AGENT_API_API_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* "sesn_01" and 22 letters that nobody has seen before: a service that stored one
 * must not meet it again in another run, so no seed makes them. */
#define API_FORMAT_ID_SIZE 40
void api_format_id(char id[API_FORMAT_ID_SIZE], const char *prefix);

/* {"type":"error","error":{"type":...,"message":...},"request_id":...}: the caller's.
 */
cJSON *api_format_error(
	unsigned status, const char *message, const char *request_id) MUST_CHECK;

/* "not_found_error" for 404. */
const char *api_format_error_type(unsigned status);

/* Sets member to the present time. */
void api_format_stamp(cJSON *object, const char *member);

/* "2026-11-22T22:05:00.123Z", "...+01:00" to ns since 1970. False: it is no such time. */
bool api_format_time(const char *text, int64_t *ns) MUST_CHECK;

/* Puts a copy of value in object's member, in the place of what was there; NULL puts
 * null. */
void api_format_set(cJSON *object, const char *member, const cJSON *value);

/* What text there is in a content: a string, or a list of blocks, or nothing. Gives the
 * caller a string to free(). */
char *api_format_content_text(const cJSON *content) MUST_CHECK;

/* Reads patch over metadata: texts replace, null takes out. */
void api_format_patch_metadata(cJSON *metadata, const cJSON *patch);

/* Is it an object of texts? */
bool api_format_is_metadata(const cJSON *node, bool with_nulls);

#endif

/*
 * openai_error - errors in the shape of OpenAI's API.
 *
 *   {"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
 */
#ifndef MOCK_AGENT_OPENAI_OPENAI_ERROR_H
#define MOCK_AGENT_OPENAI_OPENAI_ERROR_H

#include <stdbool.h>

#include "mock-agent/api/api_request.h"

/* The form of a response that is JSON, and of what the router refuses. */
extern const struct response_form openai_form;

/* The request is one of this API: its id is in x-request-id too, and what the router
 * refuses has this shape. */
void openai_begin(struct api_request *request);

/* Append an error with the type and the code of its status, and no parameter: as a
 * response, as a frame of a stream that has no names of events, and as the members of an
 * object. */
void openai_error_write(
	struct buf *body, unsigned status, const char *message, const char *request_id);
void openai_error_frame(
	struct buf *frame, unsigned status, const char *message, unsigned sequence);
void openai_error_members(struct buf *object, unsigned status, const char *message);

/* Refuses a request with 400; `param` and `code` may be NULL. Returns false, for
 * functions that report whether the request goes on. */
bool openai_refuse(struct api_request *request, const char *param, const char *code,
	const char *format, ...) PRINTF(4, 5);

/* The same for any status, with the code given. */
bool openai_refuse_status(struct api_request *request, unsigned status,
	const char *param, const char *code, const char *format, ...) PRINTF(5, 6);

/* "Missing required parameter: 'param'." */
bool openai_refuse_missing(struct api_request *request, const char *param);

/* "Invalid type for 'param': expected a string, but got an object instead." `given` is
 * the value; `expected` has its article. */
bool openai_refuse_type(struct api_request *request, const char *param,
	const char *expected, const cJSON *given);

#endif

/*
 * query - what the query of a request asks for.
 *
 * A list that a client wants narrower than it gets is a bug that nobody sees, so what
 * clients of the API may ask for is either heeded or refused. Keys that the API does
 * not know are ignored, as it does.
 */
#ifndef MOCK_AGENT_API_QUERY_H
#define MOCK_AGENT_API_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "mock-agent/api/api_request.h"

/* A whole number from 1 to `most`; `number` stays when there is none. False: it was
 * refused. */
bool query_number(struct api_request *request, const char *name, int64_t most,
	int64_t *number) MUST_CHECK;

/* Is value among those of name ("statuses[]"), or is there none? */
bool query_wants(
	const struct api_request *request, const char *name, const char *value);

/* Is every value of name one of these (NULL-terminated)? False: it was refused. */
bool query_knows(struct api_request *request, const char *name,
	const char *const *choices) MUST_CHECK;

/* None of these (NULL-terminated), which a client may want and does not get here? False:
 * it was refused. */
bool query_lacks(struct api_request *request, const char *const *names) MUST_CHECK;

/* created_at[gt], [gte], [lt] and [lte], as ns since 1970. */
struct query_span {
	int64_t from_ns, to_ns; /* to is not within */
};

/* False: it was refused. */
bool query_read_span(struct query_span *span, struct api_request *request) MUST_CHECK;
bool query_is_within(const struct query_span *span, const char *time);

#endif

/*
 * query - the query parameters of a request.
 *
 * A parameter of the API that the mock does not support is refused: a list that ignored
 * it would hide the client's bug. Parameters that the API does not have are ignored, as
 * the API does.
 */
#ifndef MOCK_AGENT_API_QUERY_H
#define MOCK_AGENT_API_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "mock-agent/api/api_request.h"

/* Reads a whole number from 1 to `most`; an absent one leaves *number. The functions
 * that return false have refused the request. */
bool query_number(struct api_request *request, const char *name, int64_t most,
	int64_t *number) MUST_CHECK;

/* Reports whether value is among the values of name ("statuses[]"), or name is absent. */
bool query_allows(
	const struct api_request *request, const char *name, const char *value);

/* Checks that every value of name is one of choices (NULL-terminated). */
bool query_check_values(struct api_request *request, const char *name,
	const char *const *choices) MUST_CHECK;

/* Checks that none of these names (NULL-terminated) is there. */
bool query_check_unsupported(
	struct api_request *request, const char *const *names) MUST_CHECK;

/* created_at[gt], [gte], [lt] and [lte]: [from_ns, to_ns) in ns since 1970. */
struct query_span {
	int64_t from_ns, to_ns;
};

bool query_span_read(struct query_span *span, struct api_request *request) MUST_CHECK;
bool query_span_contains(const struct query_span *span, const char *time);

#endif

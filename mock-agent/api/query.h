/*
 * query - the query parameters of a request, and the page of a list that they choose.
 *
 * Parameters that the API does not have are ignored, as the API does.
 */
#ifndef MOCK_AGENT_API_QUERY_H
#define MOCK_AGENT_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/api/api_request.h"

/* Reads a whole number from 1 to `most`; an absent one leaves *number. The functions
 * that return false have refused the request. */
bool query_number(struct api_request *request, const char *name, int64_t most,
	int64_t *number) MUST_CHECK;

bool query_is_true(const struct api_request *request, const char *name);

/* Reports whether name ("statuses[]") has this value, or is absent. */
bool query_allows(
	const struct api_request *request, const char *name, const char *value);

/* Checks that every value of name is one of choices (NULL-terminated). */
bool query_check_values(struct api_request *request, const char *name,
	const char *const *choices) MUST_CHECK;

/* created_at[gt], [gte], [lt] and [lte]: [from_ns, to_ns) in ns since 1970. */
struct query_span {
	int64_t from_ns, to_ns;
};

bool query_span_read(struct query_span *span, struct api_request *request) MUST_CHECK;
bool query_span_contains(const struct query_span *span, const char *time);
bool query_span_has(const struct query_span *span, int64_t ns);

/* The parameters limit, page and order. */
struct query_page {
	int64_t limit;
	bool descending;
	bool back;      /* the cursor points to the page before an item */
	int64_t cursor; /* an item's number; 0: none */
};

/* An item of a list. Numbers are unique. */
struct query_item {
	int64_t number;
	const void *item;
};

/* Appends the JSON of an item. */
typedef void query_render_fn(const void *item, struct buf *text);

/* The limit is at most `most`, its default. False: the request was refused. */
bool query_page_read(struct query_page *page, struct api_request *request, int64_t most,
	bool descending) MUST_CHECK;

/* Answers {"data": [...], "next_page": ...} with a page of these items, which are
 * sorted by number. */
void query_page_answer(const struct query_page *page, struct api_request *request,
	const struct query_item *items, size_t count, query_render_fn *render,
	bool both_ways);

#endif

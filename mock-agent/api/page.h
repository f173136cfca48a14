/*
 * page - lists in pages: {"data": [...], "next_page": ...}.
 */
#ifndef MOCK_AGENT_API_PAGE_H
#define MOCK_AGENT_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/api/api_request.h"

/* The query parameters limit, page and order. */
struct page {
	int64_t limit;
	bool descending;
	bool back;      /* the cursor points to the page before an item */
	int64_t cursor; /* an item's number; 0: none */
};

/* Numbers are unique. */
struct page_item {
	int64_t number;
	const void *item;
};

typedef cJSON *page_render_fn(const void *item);

/* The limit is at most `most`, its default. False: the request was refused. */
bool page_read(struct page *page, struct api_request *request, int64_t most,
	bool descending) MUST_CHECK;

/* Answers with a page of these items, which are sorted by number. */
void page_answer(const struct page *page, struct api_request *request,
	const struct page_item *items, size_t count, page_render_fn *render,
	bool both_ways);

#endif

/*
 * page - lists, a page at a time: {"data": [...], "next_page": ...}.
 */
#ifndef MOCK_AGENT_API_PAGE_H
#define MOCK_AGENT_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "mock-agent/api/api_request.h"

/* What a request asks for with limit, page and order. */
struct page {
	int64_t limit;
	bool descending;
	bool back;      /* the cursor points to the page before an item */
	int64_t cursor; /* an item's number; 0: none */
};

/* One item; numbers differ and rise. */
struct page_item {
	int64_t number;
	const void *item;
};

typedef cJSON *page_render_fn(const void *item);

/* limit is at most `most`, and `most` when nobody says. False: it was refused. */
bool page_read(struct page *page, struct api_request *request, int64_t most,
	bool descending) MUST_CHECK;

/* Answers with the page of these items, which come in the order of their numbers. */
void page_answer(const struct page *page, struct api_request *request,
	const struct page_item *items, size_t count, page_render_fn *render,
	bool both_ways);

#endif

#include "mock-agent/api/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "mock-agent/api/query.h"

static bool read_number(int64_t *number, const char *text)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number > 0;
}

/* "page_12" goes on after item 12, "page_b12" ends before it. */
static bool read_cursor(struct page *page, const char *text)
{
	if (strncmp(text, "page_", 5) != 0)
		return false;
	text += 5;
	page->back = *text == 'b';
	return read_number(&page->cursor, text + page->back);
}

bool page_read(
	struct page *page, struct api_request *request, int64_t most, bool descending)
{
	const char *cursor = web_query(request->exchange, "page");
	const char *order = web_query(request->exchange, "order");
	static const char *const orders[] = {"asc", "desc", NULL};

	*page = (struct page){.limit = most, .descending = descending};
	if (!query_number(request, "limit", most, &page->limit) ||
		!query_check_values(request, "order", orders))
		return false;
	if (cursor && *cursor && !read_cursor(page, cursor))
		return api_request_refuse(request, 400, "page: no cursor of ours");
	if (order)
		page->descending = strcmp(order, "desc") == 0;
	return true;
}

/* In the order of the page, item i. */
static const struct page_item *item_at(
	const struct page *page, const struct page_item *items, size_t count, size_t i)
{
	return &items[page->descending ? count - 1 - i : i];
}

/* How many items come before the cursor's place. */
static size_t cursor_place(
	const struct page *page, const struct page_item *items, size_t count)
{
	size_t place = 0;

	while (place < count) {
		int64_t number = item_at(page, items, count, place)->number;
		bool before = page->descending ? number > page->cursor
					       : number < page->cursor;

		if (!before && (page->back || number != page->cursor))
			break;
		place++;
	}
	return place;
}

static void add_cursor(
	cJSON *body, const char *member, const char *way, const struct page_item *item)
{
	char text[40];

	if (!item) {
		cJSON_AddNullToObject(body, member);
		return;
	}
	snprintf(text, sizeof text, "page_%s%lld", way, (long long)item->number);
	cJSON_AddStringToObject(body, member, text);
}

void page_answer(const struct page *page, struct api_request *request,
	const struct page_item *items, size_t count, page_render_fn *render,
	bool both_ways)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");
	size_t limit = (size_t)page->limit;
	size_t from = page->cursor ? cursor_place(page, items, count) : 0;
	size_t to;

	if (page->back) {
		to = from;
		from = to > limit ? to - limit : 0;
	} else {
		to = count - from > limit ? from + limit : count;
	}
	for (size_t i = from; i < to; i++)
		cJSON_AddItemToArray(
			data, render(item_at(page, items, count, i)->item));
	add_cursor(body, "next_page", "",
		to > from && to < count ? item_at(page, items, count, to - 1) : NULL);
	if (both_ways)
		add_cursor(body, "prev_page", "b",
			from > 0 && from < count ? item_at(page, items, count, from)
						 : NULL);
	api_request_answer(request, body);
}

#include "mock-agent/api/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole number from 1 on. */
static bool read_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number > 0;
}

bool query_number(
	struct api_request *request, const char *name, int64_t most, int64_t *number)
{
	const char *text = web_query(request->exchange, name, 0);
	int64_t value;

	if (!text)
		return true;
	if (!read_number(text, &value) || value > most)
		return api_request_refuse(request, 400,
			"%s: a number from 1 to %lld is needed", name, (long long)most);
	*number = value;
	return true;
}

bool query_is_true(const struct api_request *request, const char *name)
{
	const char *text = web_query(request->exchange, name, 0);

	return text && strcmp(text, "true") == 0;
}

bool query_allows(
	const struct api_request *request, const char *name, const char *value)
{
	const char *allowed;
	unsigned i = 0;

	while ((allowed = web_query(request->exchange, name, i)) != NULL) {
		if (strcmp(allowed, value) == 0)
			return true;
		i++;
	}
	return i == 0;
}

static bool is_one_of(const char *const *choices, const char *value)
{
	while (*choices && strcmp(*choices, value) != 0)
		choices++;
	return *choices != NULL;
}

bool query_check_values(
	struct api_request *request, const char *name, const char *const *choices)
{
	const char *value;

	for (unsigned i = 0; (value = web_query(request->exchange, name, i)) != NULL;
		i++) {
		if (!is_one_of(choices, value))
			return api_request_refuse(request, 400,
				"%s: unknown value \"%.100s\"", name, value);
	}
	return true;
}

bool query_span_read(struct query_span *span, struct api_request *request)
{
	static const struct {
		const char *name;
		bool is_end;
		int64_t later_ns; /* of an instant, the finest unit is 1 ns */
	} bounds[] = {
		{"created_at[gt]", false, 1},
		{"created_at[gte]", false, 0},
		{"created_at[lt]", true, 0},
		{"created_at[lte]", true, 1},
	};

	*span = (struct query_span){.from_ns = INT64_MIN, .to_ns = INT64_MAX};
	for (unsigned i = 0; i < COUNT(bounds); i++) {
		const char *text = web_query(request->exchange, bounds[i].name, 0);
		int64_t ns;

		if (!text)
			continue;
		if (!api_format_time(text, &ns))
			return api_request_refuse(request, 400,
				"%s: an RFC 3339 time is needed", bounds[i].name);
		ns += bounds[i].later_ns;
		if (bounds[i].is_end)
			span->to_ns = ns < span->to_ns ? ns : span->to_ns;
		else
			span->from_ns = ns > span->from_ns ? ns : span->from_ns;
	}
	return true;
}

bool query_span_contains(const struct query_span *span, const char *time)
{
	int64_t ns;

	return api_format_time(time, &ns) && query_span_has(span, ns);
}

bool query_span_has(const struct query_span *span, int64_t ns)
{
	return ns >= span->from_ns && ns < span->to_ns;
}

/* Pages */

/* "page_12" goes on after item 12, "page_b12" ends before it. */
static bool read_cursor(struct query_page *page, const char *text)
{
	if (strncmp(text, "page_", 5) != 0)
		return false;
	text += 5;
	page->back = *text == 'b';
	return read_number(text + page->back, &page->cursor);
}

bool query_page_read(struct query_page *page, struct api_request *request, int64_t most,
	bool descending)
{
	const char *cursor = web_query(request->exchange, "page", 0);
	const char *order = web_query(request->exchange, "order", 0);
	static const char *const orders[] = {"asc", "desc", NULL};

	*page = (struct query_page){.limit = most, .descending = descending};
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
static const struct query_item *item_at(const struct query_page *page,
	const struct query_item *items, size_t count, size_t i)
{
	return &items[page->descending ? count - 1 - i : i];
}

/* How many items come before the cursor's place. */
static size_t cursor_place(
	const struct query_page *page, const struct query_item *items, size_t count)
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

static void write_cursor(struct buf *body, const char *member, const char *way,
	const struct query_item *item)
{
	buf_addf(body, ",\"%s\":", member);
	if (item)
		buf_addf(body, "\"page_%s%lld\"", way, (long long)item->number);
	else
		buf_adds(body, "null");
}

void query_page_answer(const struct query_page *page, struct api_request *request,
	const struct query_item *items, size_t count, query_render_fn *render,
	bool both_ways)
{
	SCOPED(buf_done) struct buf body = {0};
	size_t limit = (size_t)page->limit;
	size_t from = page->cursor ? cursor_place(page, items, count) : 0;
	size_t to = count - from > limit ? from + limit : count;

	buf_init(&body, API_FORMAT_CEILING);
	if (page->back) {
		to = from;
		from = to > limit ? to - limit : 0;
	}
	buf_adds(&body, "{\"data\":[");
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_adds(&body, ",");
		render(item_at(page, items, count, i)->item, &body);
	}
	buf_adds(&body, "]");
	write_cursor(&body, "next_page", "",
		to > from && to < count ? item_at(page, items, count, to - 1) : NULL);
	if (both_ways)
		write_cursor(&body, "prev_page", "b",
			from > 0 && from < count ? item_at(page, items, count, from)
						 : NULL);
	buf_adds(&body, "}");
	api_request_answer_text(request, &body);
}

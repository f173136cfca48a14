#include "mock-agent/api/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"

bool query_number(
	struct api_request *request, const char *name, int64_t most, int64_t *number)
{
	const char *text = web_query(request->exchange, name);
	int64_t value;
	char *end;

	if (!text)
		return true;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > most)
		return api_request_refuse(request, 400,
			"%s: a number from 1 to %lld is needed", name, (long long)most);
	*number = value;
	return true;
}

bool query_allows(
	const struct api_request *request, const char *name, const char *value)
{
	const char *allowed;
	unsigned i = 0;

	while ((allowed = web_query_at(request->exchange, name, i)) != NULL) {
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

	for (unsigned i = 0; (value = web_query_at(request->exchange, name, i)) != NULL;
		i++) {
		if (is_one_of(choices, value))
			continue;
		return api_request_refuse(
			request, 400, "%s: unknown value \"%.100s\"", name, value);
	}
	return true;
}

bool query_check_unsupported(struct api_request *request, const char *const *names)
{
	for (; *names; names++) {
		if (!web_query(request->exchange, *names))
			continue;
		return api_request_refuse(
			request, 400, "%s: this filter is not supported", *names);
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
		const char *text = web_query(request->exchange, bounds[i].name);
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

	return api_format_time(time, &ns) && ns >= span->from_ns && ns < span->to_ns;
}

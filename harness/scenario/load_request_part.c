#include "harness/scenario/load_request_part.h"

#include <string.h>

#include "harness/scenario/service_part.h"
#include "lib/buf.h"
#include "lib/mem.h"

static const char *const connections_names[] = {"auto", "new", "reused", "both", NULL};

const struct field load_request_fields[] = {
	{"path", FIELD_TEXT, offsetof(struct load_request_part, path),
		.help = "path with query; {n} is the client's number"},
	{"method", FIELD_TEXT, offsetof(struct load_request_part, method),
		.help = "by default GET, or POST with a body"},
	{"headers", FIELD_OTHER, offsetof(struct load_request_part, headers),
		.type = &strlist_pairs_type, .help = "as an object; {n} is filled in"},
	{"body", FIELD_OTHER, offsetof(struct load_request_part, body),
		.type = &body_type,
		.help = "a text that is sent as it is, or JSON; {n} is filled in"},
	{"status", FIELD_INT, offsetof(struct load_request_part, status), .min = 100,
		.max = 599,
		.help = "the HTTP status of a good answer; by default any 2xx"},
	{"contains", FIELD_TEXT, offsetof(struct load_request_part, contains),
		.help = "a whole answer has this text in it; one without it is lost"},
	{"stream", FIELD_BOOL, offsetof(struct load_request_part, stream),
		.help = "the answer is a stream, such as SSE: under way once its first bytes "
			"are there"},
	{"concurrency", FIELD_INT, offsetof(struct load_request_part, concurrency),
		.preset = "1", .min = 1, .max = 5000,
		.help = "clients, each with one request under way when the stop comes"},
	{"connections", FIELD_CHOICE, offsetof(struct load_request_part, connections),
		.preset = "auto", .choices = connections_names,
		.help = "\"new\": one for each request, \"reused\": each client keeps its "
			"own open, \"both\": half of the clients each; \"auto\" is \"both\" "
			"with a rollout, else \"new\""},
	{"pause", FIELD_DURATION, offsetof(struct load_request_part, pause_ns),
		.preset = "10ms",
		.help = "time between an answer and the client's next request"},
	{"within", FIELD_DURATION, offsetof(struct load_request_part, within_ns),
		.preset = "60s", .help = "bound of the wait for a whole answer"},
	{0},
};

bool load_request_reuses(const struct load_request_part *part, unsigned number)
{
	switch ((enum load_connections)part->connections) {
	case LOAD_CONNECTIONS_AUTO:
	case LOAD_CONNECTIONS_NEW:
		return false;
	case LOAD_CONNECTIONS_REUSED:
		return true;
	case LOAD_CONNECTIONS_BOTH:
		break;
	}
	return number % 2 == 0;
}

char *load_request_fill(const char *text, unsigned number)
{
	struct buf out = {0};
	const char *at;

	if (!text)
		return NULL;
	while ((at = strstr(text, "{n}"))) {
		buf_add(&out, text, (size_t)(at - text));
		buf_addf(&out, "%u", number);
		text = at + 3;
	}
	buf_adds(&out, text);
	return buf_take(&out);
}

void load_request_fill_headers(
	const struct load_request_part *part, unsigned number, struct strlist *headers)
{
	for (unsigned i = 0; i < part->headers.count; i++) {
		const char *pair = part->headers.item[i];
		int name_len = (int)strcspn(pair, "=");
		SCOPED(mem_free)
		char *value = load_request_fill(pair + name_len + 1, number);

		strlist_add(headers, "%.*s: %s", name_len, pair, value);
	}
}

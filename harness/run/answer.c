#include "harness/run/answer.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/utf8.h"
#include "mock-agent/session/reply.h"

/* Its head came, and says no: whether the rest of it came whole is chance. */
static bool is_error(const struct fetch_result *result, long wanted)
{
	bool is_good = wanted ? result->status == wanted : result->status / 100 == 2;

	return result->status && !is_good;
}

enum request_end answer_end(const struct fetch_result *result, long wanted)
{
	if (is_error(result, wanted))
		return result->status == 503 ? REQUEST_TURNED_AWAY : REQUEST_WRONG;
	switch (result->end) {
	case FETCH_ANSWERED:
		return REQUEST_ANSWERED;
	case FETCH_REFUSED:
		return REQUEST_REFUSED;
	case FETCH_BROKEN:
	case FETCH_TIMED_OUT:
	case FETCH_FAILED:
		return result->sent ? REQUEST_BROKEN : REQUEST_REFUSED;
	}
	return REQUEST_BROKEN;
}

/* The first line of an error body, short and in quotes; a page of HTML says nothing. */
static char *excerpt_of(const struct buf *body)
{
	const char *text = buf_text(body);
	SCOPED(mem_free) char *start = NULL;
	SCOPED(mem_free) char *inert = NULL;

	text += strspn(text, " \t\r\n");
	if (!*text || *text == '<')
		return mem_textf(" (%zu bytes)", body->len);
	start = mem_textf("%.*s", (int)strcspn(text, "\r\n"), text);
	inert = utf8_mend(start, "");
	return mem_textf(": \"%.120s\"", inert);
}

/* "HTTP 200" alone reads like a success. */
char *answer_why(const struct fetch_result *result, long wanted)
{
	SCOPED(mem_free) char *excerpt = excerpt_of(result->body);

	if (!is_error(result, wanted))
		return mem_text(result->why);
	if (!wanted)
		return mem_textf("HTTP %ld, wanted 2xx%s", result->status, excerpt);
	return mem_textf("HTTP %ld, wanted %ld%s", result->status, wanted, excerpt);
}

bool answer_has_reply(const struct fetch_result *result)
{
	return strstr(buf_text(result->body), REPLY_OPENING) != NULL;
}

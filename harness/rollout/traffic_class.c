#include "harness/rollout/traffic_class.h"

#include <string.h>

const char *const traffic_class_names[] = {
	[TRAFFIC_FINISHED] = "finished",
	[TRAFFIC_TURNED_AWAY] = "turned-away",
	[TRAFFIC_SERVER_ERROR] = "server-error",
	[TRAFFIC_WRONG] = "wrong",
	[TRAFFIC_REFUSED] = "refused",
	[TRAFFIC_RESET] = "reset",
	[TRAFFIC_LOST] = "lost",
	[TRAFFIC_UNANSWERED] = "unanswered",
	[TRAFFIC_CLASSES] = NULL,
};

bool traffic_class_failed(enum traffic_class class)
{
	return class != TRAFFIC_FINISHED && class != TRAFFIC_TURNED_AWAY;
}

static bool is_wanted(long status, long wanted)
{
	return wanted ? status == wanted : status / 100 == 2;
}

/* The answer is whole. */
static enum traffic_class class_of_answer(
	long status, long wanted, struct traffic_answer answer)
{
	if (is_wanted(status, wanted))
		return answer.is_complete ? TRAFFIC_FINISHED : TRAFFIC_LOST;
	if ((status == 429 || status == 503) && answer.has_retry_after)
		return TRAFFIC_TURNED_AWAY;
	return status / 100 == 5 ? TRAFFIC_SERVER_ERROR : TRAFFIC_WRONG;
}

/* A status that says no is known by its head: a cut of its body changes nothing. */
enum traffic_class traffic_class_of(
	const struct fetch_result *result, long wanted, struct traffic_answer answer)
{
	if (result->end == FETCH_ANSWERED ||
		(result->status && !is_wanted(result->status, wanted)))
		return class_of_answer(result->status, wanted, answer);
	if (result->status)
		return TRAFFIC_LOST;
	if (result->end == FETCH_TIMED_OUT)
		return TRAFFIC_UNANSWERED;
	return result->sent ? TRAFFIC_RESET : TRAFFIC_REFUSED;
}

static bool is_idempotent(const char *method)
{
	static const char *const methods[] = {
		"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	for (size_t i = 0; i < COUNT(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

bool traffic_may_repeat(const struct fetch_result *result, const char *method)
{
	return result->end == FETCH_BROKEN && result->reused && result->sent &&
		result->status == 0 && is_idempotent(method);
}

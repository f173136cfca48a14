#include "harness/judge/herd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define TOO_MANY_REQUESTS 429

/* When requests came. */
struct herd_times {
	int64_t *ns;
	unsigned count;
};

static void add(struct herd_times *times, int64_t ns)
{
	times->ns = mem_grown(times->ns, times->count + 1, sizeof *times->ns);
	times->ns[times->count++] = ns;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Sorts them. */
static unsigned most_in_a_second(struct herd_times *times)
{
	unsigned most = 0, first = 0;

	if (times->count > 1)
		qsort(times->ns, times->count, sizeof *times->ns, compare_times);
	for (unsigned last = 0; last < times->count; last++) {
		while (times->ns[last] - times->ns[first] >= CLOCK_S)
			first++;
		if (last - first + 1 > most)
			most = last - first + 1;
	}
	return most;
}

struct herd herd_count(const struct evidence *evidence)
{
	struct herd_times closes = {0}, opens = {0};
	struct herd herd = {0};

	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->ns < evidence->facts.signal_ns ||
			!evidence_is_agents(evidence, event))
			continue;
		if (strcmp(event->name, "agent.disconnect.begin") == 0)
			add(&closes, event->ns);
		else if (strcmp(event->name, "agent.disconnect.refused") == 0)
			herd.refused +=
				event_int(event, "status", 0) == TOO_MANY_REQUESTS;
		else if (strcmp(event->name, "agent.session.opened") == 0 &&
			evidence_is_replacements(evidence, event))
			add(&opens, event->ns);
	}
	herd.closes = closes.count;
	herd.closes_per_second = most_in_a_second(&closes);
	herd.opens = opens.count;
	herd.opens_per_second = most_in_a_second(&opens);
	free(closes.ns);
	free(opens.ns);
	return herd;
}

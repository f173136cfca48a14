#include "mock-agent/faults/rate_limit.h"

#include <stddef.h>

#include "lib/clock.h"

#define RATE(what) offsetof(struct rate_limit_behavior, per_second[what])
#define RATE_MAX   1000000

const struct field rate_limit_fields[] = {
	{"connects", FIELD_INT, RATE(RATE_LIMITED_CONNECTS), .preset = "0",
		.max = RATE_MAX,
		.help = "sessions that may be opened in a second; 0: no limit"},
	{"disconnects", FIELD_INT, RATE(RATE_LIMITED_DISCONNECTS), .preset = "0",
		.max = RATE_MAX,
		.help = "archives and deletes in a second; 0: no limit"},
	{"burst", FIELD_DURATION, offsetof(struct rate_limit_behavior, burst_ns),
		.preset = "1s",
		.help = "what was not used for so long may come at once"},
	{0},
};

int64_t rate_limit_take(struct rate_limit *limit,
	const struct rate_limit_behavior *behavior, enum rate_limited what,
	int64_t now_ns)
{
	struct rate_bucket *bucket = &limit->bucket[what];
	double rate = (double)behavior->per_second[what] / (double)CLOCK_S;
	double room = rate * (double)behavior->burst_ns;

	if (behavior->per_second[what] == 0)
		return 0;
	bucket->missing -= rate * (double)(now_ns - bucket->filled_ns);
	bucket->filled_ns = now_ns;
	if (bucket->missing < 0)
		bucket->missing = 0;
	if (room < 1)
		room = 1;
	if (bucket->missing <= room - 1) {
		bucket->missing++;
		return 0;
	}
	return (int64_t)((bucket->missing - (room - 1)) / rate) + 1;
}

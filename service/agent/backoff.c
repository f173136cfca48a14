#include "service/agent/backoff.h"

int64_t backoff_next(struct backoff *backoff)
{
	int64_t pause_ns = backoff->pause_ns;

	backoff->pause_ns =
		pause_ns < backoff->max_ns / 2 ? pause_ns * 2 : backoff->max_ns;
	return pause_ns;
}

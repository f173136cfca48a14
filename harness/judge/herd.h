/*
 * herd - what a stop asks of the agent API at once: sessions to end, and those that their
 * clients open again at the replacement (load.replacement).
 */
#ifndef HARNESS_JUDGE_HERD_H
#define HARNESS_JUDGE_HERD_H

#include "harness/run/evidence.h"

/* Requests since the stop signal. A second is any one, not only a whole one. */
struct herd {
	unsigned closes;            /* to end a session, refused ones included */
	unsigned closes_per_second; /* most of them in one second */
	unsigned refused;           /* of them, with HTTP 429 */
	unsigned opens;             /* sessions of the replacement */
	unsigned opens_per_second;
};

struct herd herd_count(const struct evidence *evidence);

#endif

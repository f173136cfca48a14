/*
 * connections - whether clients' requests that were under way at the stop were answered.
 *
 * Of clients that are none of ours nobody reads the answer: the kernel's figures of the
 * connection are all that is known. They prove an answer where its program closed the
 * connection, or its client did, behind bytes that all arrived; and a loss where nothing
 * was sent, or never can arrive. All else is told as not known.
 */
#ifndef HARNESS_JUDGE_CONNECTIONS_H
#define HARNESS_JUDGE_CONNECTIONS_H

#include "harness/run/evidence.h"

struct connections {
	unsigned answered, lost, unknown;
	char first_lost[160]; /* "127.0.0.1:5123: closed without ..." */
	char first_unknown[160];
};

void connections_find(struct connections *connections, const struct evidence *evidence);

#endif

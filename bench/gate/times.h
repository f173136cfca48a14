/*
 * times - the stop times that the gate's rates are counted from, in memory and as a file.
 *
 * A block is one case measured in pairs, of which each half is a comparison of its own.
 * The file has a line for the host and one for each block: what it was, the load average
 * at its end, and the times of BASE and NEW in turn, in microseconds.
 */
#ifndef BENCH_GATE_TIMES_H
#define BENCH_GATE_TIMES_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"

#define BLOCK_PAIRS 40
#define PAIRS       20 /* of a comparison */

struct block {
	bool slowed; /* NEW was */
	bool loaded; /* the machine was */
	double load; /* average of the last minute */
	double base_ns[BLOCK_PAIRS], new_ns[BLOCK_PAIRS];
};

/* Zeroed is empty. */
struct times {
	char host[256];
	struct block *blocks; /* owned */
	unsigned count;
};

void times_add(struct times *times, const struct block *block);
void times_done(struct times *times);

void times_write_host(const struct times *times, FILE *file);
void times_write_block(const struct block *block, FILE *file);

/* `times` is empty before. False: it cannot be read, or err says which line is wrong. */
bool times_read(struct times *times, const char *path, struct err *err) MUST_CHECK;

#endif

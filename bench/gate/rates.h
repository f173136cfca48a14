/*
 * rates - how often the gate decides wrongly on times that were measured, as a table.
 */
#ifndef BENCH_GATE_RATES_H
#define BENCH_GATE_RATES_H

#include "bench/gate/times.h"

void rates_print(const struct times *times);

#endif

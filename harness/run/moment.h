/*
 * moment - from ready to the moment of the stop: the load is put on, and stop.when
 * comes.
 */
#ifndef HARNESS_RUN_MOMENT_H
#define HARNESS_RUN_MOMENT_H

#include <stdbool.h>

#include "harness/run/stage.h"

/* False with the evidence's trouble when it never comes. */
bool moment_await(struct stage *stage);

#endif

/*
 * ledger - the harness's end of the mocks' lifelines: what they tell goes into a
 * journal.
 */
#ifndef SERVICE_TEST_LEDGER_H
#define SERVICE_TEST_LEDGER_H

#include <uv.h>

#include "lib/cc.h"

struct journal;
struct test_ledger;

/* Listens at this path. Keeps loop and journal. */
struct test_ledger *ledger_create(
	uv_loop_t *loop, const char *path, struct journal *journal) MUST_CHECK;

/* Hangs up on everybody. The loop must turn for its handles. */
void ledger_destroy(struct test_ledger *ledger);

#endif

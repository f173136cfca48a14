/*
 * stage - a case under way: what is up, and how its steps speak. Private to the files
 * that play a case: case.c and moment.c.
 */
#ifndef HARNESS_RUN_STAGE_H
#define HARNESS_RUN_STAGE_H

#include "harness/engine/wait.h"
#include "harness/run/case.h"
#include "harness/run/ledger.h"
#include "harness/run/load.h"
#include "harness/run/mocks.h"
#include "harness/run/watch.h"
#include "lib/cc.h"

struct stage {
	const struct case_options *options;
	const struct scenario *scenario;
	struct evidence *evidence;
	char *folder;
	char *network;
	struct ledger *ledger;
	struct mocks *mocks;
	struct subject *service;
	char *base; /* "http://127.0.0.1:8080", NULL where no port is known */
	struct load *load;
	struct watch *watch;
	unsigned turns_before; /* agent.turn.begin events before the turns in flight */
};

/* Tells whoever listens what the case is doing now. */
void stage_step(const struct stage *stage, const char *format, ...) PRINTF(2, 3);

/* Both write the evidence's trouble and return false. */
bool stage_trouble(struct stage *stage, enum trouble kind, const char *format, ...)
	PRINTF(3, 4);
bool stage_interrupted(struct stage *stage);

enum wait_end stage_wait(const struct stage *stage, wait_fn *is_so, int64_t within_ns);

/* The last thing that the service said, for whoever reads the trouble. Borrowed. */
const char *stage_last_words(const struct stage *stage);

/* Is it asked that the stop comes to a service that has ended already? */
bool stage_waits_for_exit(const struct stage *stage);

#endif

/*
 * check - what would happen if a container were stopped now, without stopping it.
 *
 * By two looks at its processes, by who takes the signals that are
 * blocked, and by what the engine says. A finding has the id of the diagnosis that a
 * stop would have. It "will fail" where what was seen leaves no other end; where it
 * depends on what cannot be seen, it "may fail".
 */
#ifndef HARNESS_CHECK_CHECK_H
#define HARNESS_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/engine/engine.h"
#include "harness/engine/signal_takers.h"
#include "harness/judge/processes.h"
#include "harness/judge/stacks.h"
#include "harness/judge/view.h"
#include "harness/scenario/diagnosis_id.h"
#include "lib/buf.h"
#include "lib/clock.h"

/* Between the two looks: several times what a program needs to start another one, for
 * which it blocks its signals or has another one's masks. */
#define CHECK_BETWEEN_NS (40 * CLOCK_MS)

enum check_level {
	CHECK_NOTE,
	CHECK_MAY_FAIL,
	CHECK_WILL_FAIL,
	CHECK_LEVELS,
};

extern const char *const check_level_names[CHECK_LEVELS]; /* "note", "may fail", ... */

/* All borrowed. */
struct check_input {
	const struct view
		*view; /* of a stop that was not begun: two snapshots, or none */
	const struct subject_about *about;
	const struct stacks *stacks;
	const struct signal_takers *takers; /* of some of its processes */
	unsigned taker_count;
	int64_t age_ns; /* of PID 1; INT64_MAX: not known */
};

struct check_finding {
	enum check_level level;
	enum diagnosis_id id; /* DIAGNOSIS_ANY: of none */
	char text[512];
	char cure[1024]; /* "": none */
};

/* How long a stack among the processes may take for its own graceful stop. */
struct check_timeout {
	const struct process *process; /* the first of them; borrowed */
	const struct stack *stack;     /* borrowed */
	unsigned count;                /* of the same stack, side by side */
	int64_t ns;                    /* of each; STACK_UNBOUNDED */
	bool by_option;                /* in its command line, and not its default */
};

#define CHECK_FINDINGS_MAX 16
#define CHECK_TIMEOUTS_MAX 8

struct check {
	struct check_finding findings[CHECK_FINDINGS_MAX]; /* the worst first */
	unsigned count;
	struct check_timeout timeouts[CHECK_TIMEOUTS_MAX];
	unsigned timeout_count;
	bool known; /* what PID 1 would do with the stop signal was seen */
};

/* Keeps what input points to. */
void check_find(struct check *check, const struct check_input *input);

/* For the rules: adds a finding, whose text is taken. cure is borrowed for the call;
 * NULL: the diagnosis' own. */
void check_add(struct check *check, enum check_level level, enum diagnosis_id id,
	const char *cure, struct buf *text);

/* The worst level of its findings. */
enum check_level check_level(const struct check *check);

#endif

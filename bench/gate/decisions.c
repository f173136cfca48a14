#include "bench/gate/decisions.h"

#include <assert.h>

static void decide(struct decided *decided, const struct measured *run, unsigned count,
	enum gate_plan plan, unsigned *wanted)
{
	struct gate_case cases[RUN_CASES] = {0};
	struct gate_result results[RUN_CASES];

	for (unsigned i = 0; i < count; i++)
		cases[i] = (struct gate_case){run[i].base_ns, run[i].new_ns,
			decided[i].pairs, decided[i].pairs, true};
	gate_decide(results, cases, count, plan);
	for (unsigned i = 0; i < count; i++) {
		decided[i].decision = results[i].decision;
		wanted[i] = results[i].rounds_needed;
	}
}

static bool add_pairs(struct decided *decided, const unsigned *wanted, unsigned count)
{
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		if (decided[i].pairs == 0 || wanted[i] <= decided[i].pairs ||
			wanted[i] > GATE_LOOK_LAST)
			continue;
		decided[i].pairs = wanted[i];
		any = true;
	}
	return any;
}

void decide_run(struct decided *decided, const struct measured *run, unsigned count,
	unsigned pairs)
{
	unsigned wanted[RUN_CASES];

	assert(count <= RUN_CASES);
	for (unsigned i = 0; i < count; i++)
		decided[i] = (struct decided){.pairs = !run[i].base_ns ? 0
				: pairs                                ? pairs
					: GATE_LOOK_FIRST};
	do
		decide(decided, run, count, pairs ? GATE_ONCE : GATE_LOOKS, wanted);
	while (!pairs && add_pairs(decided, wanted, count));
}

#include "harness/campaign/pairs.h"

#include <stdlib.h>

#include "harness/compare/gate.h"
#include "lib/json.h"
#include "lib/mem.h"

void pairs_add_case(struct pairs *pairs, unsigned index)
{
	pairs->cases = mem_grown(pairs->cases, pairs->count + 1, sizeof *pairs->cases);
	pairs->made = mem_grown(pairs->made, pairs->count + 1, sizeof *pairs->made);
	pairs->cases[pairs->count] = index;
	pairs->made[pairs->count++] = 0;
}

void pairs_done(struct pairs *pairs)
{
	free(pairs->cases);
	free(pairs->made);
	*pairs = (struct pairs){0};
}

static void add_pair(const struct pairs *pairs, struct rounds *rounds, unsigned index,
	unsigned number)
{
	bool base_first = number % 2 == 1;

	side_add_round(base_first ? pairs->base : pairs->new, rounds, index, number);
	side_add_round(base_first ? pairs->new : pairs->base, rounds, index, number);
}

/* wanted[i] is how many pairs the case cases[i] is to have, without its warm-ups. */
static bool add_pairs(
	struct pairs *pairs, struct rounds *rounds, const unsigned *wanted)
{
	unsigned warm_up = pairs->new->options->warm_up;
	bool any = false;

	for (unsigned number = 1; number <= GATE_LOOK_LAST + warm_up; number++) {
		for (unsigned i = 0; i < pairs->count; i++) {
			if (number <= pairs->made[i] || !wanted[i] ||
				number > wanted[i] + warm_up)
				continue;
			add_pair(pairs, rounds, pairs->cases[i], number);
			pairs->made[i] = number;
			any = true;
		}
	}
	return any;
}

void pairs_begin(struct pairs *pairs, struct rounds *rounds)
{
	SCOPED(mem_free) unsigned *wanted =
		mem_zeroed(sizeof *wanted * (pairs->count + 1));

	for (unsigned i = 0; i < pairs->count; i++)
		wanted[i] = GATE_LOOK_FIRST;
	add_pairs(pairs, rounds, wanted);
}

bool pairs_go_on(struct pairs *pairs, struct rounds *rounds, const cJSON *comparison)
{
	SCOPED(mem_free) unsigned *wanted =
		mem_zeroed(sizeof *wanted * (pairs->count + 1));
	const cJSON *item;
	unsigned i = 0;

	/* Every case has rounds by now, so the comparison has them in this order. */
	cJSON_ArrayForEach(item, json_get(comparison, "cases")) {
		int64_t needed = json_int(item, "rounds_needed", 0);

		if (i < pairs->count && needed <= GATE_LOOK_LAST)
			wanted[i] = (unsigned)needed;
		i++;
	}
	return add_pairs(pairs, rounds, wanted);
}
